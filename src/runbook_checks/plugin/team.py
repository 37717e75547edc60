"""Collect the checks of a team's own suite beside the built-in ones, and report inconsistencies between its files.

A team's suite has environments, runbooks with the texts of its symptoms, and its own Python: `checks/*.py` contains
checks, `checks/_NAME.py` the handle of the team's own capability NAME.
"""

from __future__ import annotations

import sys
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.secrets import NO_COMMANDS
from runbook_checks.handles.annotations import handles_of
from runbook_checks.plugin.run import has_run, run_of
from runbook_checks.plugin.selection import lacking
from runbook_checks.plugin.suites import BUILT_IN, Suite, collector, imported, team_suite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runbook_checks.config.run import Run

NOT_RUN = f"--no-commands (or {NO_COMMANDS}) forbids running the suite's own Python"
TEXT = "title, why, severity, when and causes"


def pytest_configure(config: pytest.Config) -> None:
    """Run all checks, including the team's, unless the caller names some; refuse an inconsistent suite."""
    if not has_run(config):
        return
    if config.args_source in (pytest.Config.ArgsSource.INVOCATION_DIR, pytest.Config.ArgsSource.TESTPATHS):
        config.args = [str(suite.checks) for suite in _suites(config)]
    if not hasattr(config, "workerinput"):
        _require_whole(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect only the modules of checks in a team's folder; None leaves the decision to pytest."""
    team = _team(config)
    return True if team and collection_path.parent == team.checks and collection_path not in team.modules() else None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Import modules of checks from their suite's package."""
    for suite in _suites(parent.config):
        if module_path.parent == suite.checks:
            return collector(suite, module_path, parent)
    return None


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector:
    """Collect a folder without importing its __init__.py, which pytest would import under a common name."""
    directory: pytest.Dir = pytest.Dir.from_parent(parent, path=path)
    return directory


def _require_whole(config: pytest.Config) -> None:
    """Refuse a team's suite with a text but no check, or the reverse: its symptom would silently not be checked."""
    run = run_of(config)
    team, texts = _team(config), run.files.own_symptoms
    if not run.vault.allows_commands:
        if texts:
            run.notes.append(f"{len(texts)} symptoms of the suite's own are not checked: {NOT_RUN}")
        return
    if team is None and not texts:
        return
    checks = list(_checks(team)) if team else []
    problems = [*(_problems(checks, run, team) if team else ()), *_without_check(texts, checks)]
    if problems:
        raise pytest.UsageError(*problems)
    run.notes += _not_given(checks, run)


def _checks(team: Suite) -> Iterator[tuple[str, str, Any]]:
    """The checks of a team's suite: symptom, location and function."""
    for path in team.modules():
        module = imported(team, path)
        for value in vars(module).values():
            name = getattr(value, "symptom", None)
            if name is not None and getattr(value, "__module__", "") == module.__name__:
                yield name, f"{team.check_name(path)}::{value.__name__}", value


def _problems(checks: list[tuple[str, str, Any]], run: Run, team: Suite) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, where, function in checks:
        yield from (f"{where}: {wrong}" for wrong in _wrong(where, function))
        if name in run.files.texts:
            yield f"{where}: {name} is a built-in symptom, and its check is built in; give yours another name"
        elif name in seen:
            yield f"{where}: {name} has a check already, {seen[name]}"
        elif name not in run.files.own_symptoms and not _is_elsewhere(name, team):
            yield f"{where}: no runbook file describes {name}; add it under 'symptoms' with {TEXT}"
        seen[name] = where


def _wrong(where: str, function: Any) -> Iterator[str]:
    """The reasons why pytest would not run a function as a check, or would run another one instead."""
    module, _, name = where.partition("::")
    if not name.startswith("check_") or vars(sys.modules[function.__module__]).get(name) is not function:
        yield "a check is a function of its module whose name begins with check_; rename it"
    if not getattr(function, "__test__", True) or not getattr(sys.modules[function.__module__], "__test__", True):
        yield "__test__ disables it; remove __test__"
    if any(mark.name == "parametrize" for mark in getattr(function, "pytestmark", ())):
        yield "a check runs once for each system; remove @pytest.mark.parametrize"
    if iscoroutinefunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
        yield "a check is a plain function; remove async and yield"
    built_in = BUILT_IN.folder / module
    if built_in.is_file() and f"def {name}(" in built_in.read_text(encoding="utf-8"):
        yield "a built-in check has this name; rename the function"


def _without_check(texts: Iterable[str], checks: list[tuple[str, str, Any]]) -> Iterator[str]:
    for name in sorted({*texts} - {name for name, _, _ in checks}):
        file = f"checks/{name.partition('.')[0]}.py"
        yield f"{name}: no check for it; add one, marked @symptom({name!r}), in {file}"


def _not_given(checks: list[tuple[str, str, Any]], run: Run) -> Iterator[str]:
    """A note for each check whose capability no chosen system configures."""
    for name, where, function in checks:
        listing = [chosen for chosen in run.systems.values() if name in chosen.symptoms]
        needs = [lacking(handles_of(function).values(), chosen) for chosen in listing]
        if listing and all(needs):
            missing = " and ".join(dict.fromkeys(need for each in needs for need in each))
            yield f"{name} is not checked ({where}): no system of {run.environment.name} configures {missing}"


def _is_elsewhere(name: str, team: Suite) -> bool:
    """Whether the runbook file of a system outside this environment names the symptom."""
    return any(f"{name}:" in path.read_text(encoding="utf-8") for path in (team.folder / "runbooks").glob("*.yaml"))


def _team(config: pytest.Config) -> Suite | None:
    """The team's suite, if its Python may be run."""
    run = run_of(config)
    return team_suite(run.files.suite) if run.vault.allows_commands else None


def _suites(config: pytest.Config) -> list[Suite]:
    team = _team(config)
    return [BUILT_IN, *([team] if team else [])]
