"""Find environment files by name: in the team's suite around the working directory, then in the built-in suite.

A suite is a folder with `environments/` and, as needed, `runbooks/` and `checks/`.
"""

from __future__ import annotations

from pathlib import Path

from runbook_checks.config.addresses import has_login
from runbook_checks.config.strict_yaml import suggestion
from runbook_checks.locations import SUITE

FOLDER = "environments"


class NoSuchEnvironment(Exception):
    """No environment has that name; the sentence says which there are."""


def suite_here() -> Path | None:
    """The team's suite: the nearest folder, from the working directory up, with files in its `environments/`."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if _files(folder / FOLDER):
            return None if folder == SUITE else folder
    return None


def suite_of(environment: Path) -> Path | None:
    """The team's suite that an environment file belongs to; None for a file elsewhere or of the built-in suite."""
    folder = environment.absolute().parent
    return folder.parent if folder.name == FOLDER and folder.parent.resolve() != SUITE else None


def own_capabilities(suite: Path | None) -> dict[str, Path]:
    """The modules that may declare capabilities of a team's own: `checks/_NAME.py` that of NAME."""
    return {path.stem[1:]: path for path in sorted((suite / "checks").glob("_[a-z]*.py"))} if suite else {}


def known_environments() -> dict[str, Path]:
    """Environment files that can be chosen by name; the team's come first and win."""
    suite = suite_here()
    known = _files(suite / FOLDER) if suite else {}
    return known | {name: path for name, path in _files(SUITE / FOLDER).items() if name not in known}


def find_environment(named: str) -> Path:
    """The file of an environment given by name or path."""
    known = known_environments()
    if named in known:
        return known[named]
    path = Path(named)
    if path.is_file():
        return path
    named = "(an address)" if has_login(named) else named
    if path.suffix in (".yaml", ".yml") or "/" in named:
        raise NoSuchEnvironment(f"{named}: there is no such file")
    there = ", ".join(known) or "none"
    raise NoSuchEnvironment(f"{named}: there is no such environment{suggestion(named, known)} (there are: {there})")


def _files(folder: Path) -> dict[str, Path]:
    """The environment files in a folder, without examples."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if not path.name.endswith(".example.yaml")}
