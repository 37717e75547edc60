"""Collect the checks of a team's own suite beside the built-in ones, and say what is missing between its files.

A team's suite has its environments, its runbooks with the texts of its symptoms, and its own Python in `checks/`:
`checks/*.py` holds checks, `checks/_NAME.py` the handle of the team's own capability NAME.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.plugin.run import run_of
from runbook_checks.plugin.suites import BUILT_IN, Suite, collector, imported, team_suite

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "title, why, severity, when and causes"


def pytest_configure(config: pytest.Config) -> None:
    """Run all checks, built-in and the team's, where the caller names none."""
    if config.args_source in (pytest.Config.ArgsSource.INVOCATION_DIR, pytest.Config.ArgsSource.TESTPATHS):
        config.args = [str(suite.checks) for suite in _suites(config)]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A team's helper modules hold no checks; None: as pytest sees fit."""
    team = _team(config)
    return True if team and collection_path.parent == team.checks and collection_path.stem.startswith("_") else None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Import modules of checks from their suite's package."""
    for suite in _suites(parent.config):
        if module_path.parent == suite.checks:
            return collector(suite, module_path, parent)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Refuse to run a team's suite whose texts and checks don't fit together: a symptom would be silently left out."""
    team = _team(session.config)
    if team is not None and not hasattr(session.config, "workerinput"):
        problems = list(_problems(team, session.config))
        if problems:
            raise pytest.UsageError(*problems)


def _problems(team: Suite, config: pytest.Config) -> Any:
    run = run_of(config)
    texts = run.files.own_symptoms
    checks: dict[str, str] = {}
    for path in sorted(team.checks.glob("[!_]*.py")):
        module = imported(team, path)
        for value in vars(module).values():
            name = getattr(value, "symptom", None)
            if name is None or getattr(value, "__module__", "") != module.__name__:
                continue
            where = f"{team.check_name(path)}::{value.__name__}"
            if name in run.files.texts:
                yield f"{where}: {name} is a built-in symptom, and its check is built in; give yours another name"
            elif name in checks:
                yield f"{where}: {name} has a check already, {checks[name]}"
            elif name not in texts and not _is_elsewhere(name, team):
                yield f"{where}: no runbook file describes {name}; add it under 'symptoms' with {TEXT}"
            checks[name] = where
    for name in sorted(texts.keys() - checks.keys()):
        file = f"checks/{name.partition('.')[0]}.py"
        yield f"{name}: no check answers for it; add one, marked @symptom({name!r}), in {file}"


def _is_elsewhere(name: str, team: Suite) -> bool:
    """Whether a runbook file of another system, which this environment lacks, names the symptom."""
    return any(f"{name}:" in path.read_text(encoding="utf-8") for path in (team.folder / "runbooks").glob("*.yaml"))


def _team(config: pytest.Config) -> Suite | None:
    return team_suite(run_of(config).files.suite)


def _suites(config: pytest.Config) -> list[Suite]:
    team = _team(config)
    return [BUILT_IN, *([team] if team else [])]
