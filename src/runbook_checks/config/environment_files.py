"""Which file is an environment of that name?"""

from __future__ import annotations

from pathlib import Path

from runbook_checks.config.addresses import has_login
from runbook_checks.config.strict_yaml import suggestion

HOME = Path(__file__).resolve().parent


class NoSuchEnvironment(Exception):
    """There is none of that name; the sentence says which there are."""


def known_environments() -> dict[str, Path]:
    """Environment files that can be chosen by name."""
    return {path.stem: path for path in sorted(HOME.glob("*.yaml")) if not path.name.endswith(".example.yaml")}


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
