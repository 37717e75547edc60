"""The suites of a run: the built-in one and a team's own, if there is one. Their checks are imported as packages.

A suite is a folder with `environments/` and optionally `runbooks/` and `checks/`. A team's suite is imported under a
private name, so that nothing in its repository shadows another module.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

import pytest

from runbook_checks.config.capabilities.rules import STRICT
from runbook_checks.config.environment_files import own_capabilities
from runbook_checks.config.redaction import Redaction
from runbook_checks.handles.base import Handle
from runbook_checks.locations import SUITE

TEAM = "_runbook_checks_team"
IMPORT_S = 10
_VARIABLE = re.compile(r"\benv:\s*[\"']?([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Suite:
    """A suite's folder, and the package that its `checks` are imported from."""

    folder: Path
    package: str

    @property
    def checks(self) -> Path:
        return self.folder / "checks"

    def modules(self) -> list[Path]:
        """Its modules of checks; other Python there, which does not import runbook_checks, is ignored."""
        paths = [path for path in sorted(self.checks.glob("[!._]*.py")) if _may_hold_checks(path)]
        return [path for path in paths if "runbook_checks" in path.read_text(encoding="utf-8", errors="replace")]

    def module(self, path: Path) -> ModuleType:
        """The module of checks at a path; raises the errors of its import."""
        name = f"{self.package}.checks.{path.stem}"
        if self.package != TEAM:
            return import_module(name)
        _make_package(self.folder)
        with _in_time():
            return import_module(name)

    def check_name(self, path: Path) -> str:
        """A module's name in node ids and reports: relative to its suite."""
        return path.relative_to(self.folder).as_posix()


def _may_hold_checks(path: Path) -> bool:
    """Whether a path is a module: not pytest's conftest.py, a broken link or a folder."""
    return path.name != "conftest.py" and path.is_file()


BUILT_IN = Suite(SUITE, "runbook_checks.suite")


def team_suite(folder: Path | None) -> Suite | None:
    """The team's suite in a folder, if it has checks of its own; a clone of this project has the built-in ones."""
    is_clone = folder is not None and (folder / "src" / "runbook_checks").is_dir()
    return Suite(folder, TEAM) if folder and (folder / "checks").is_dir() and not is_clone else None


def _make_package(folder: Path) -> None:
    """Create the private package of a team's suite, once."""
    made = sys.modules.get(TEAM)
    if made is None or list(made.__path__) != [str(folder)]:
        package = ModuleType(TEAM, "A team's suite.")
        package.__path__ = [str(folder)]
        sys.modules[TEAM] = package


class NotInTime(BaseException):
    """The import of a module timed out; not an Exception, which the module itself might catch."""


@contextmanager
def _in_time() -> Iterator[None]:
    """Raise NotInTime after IMPORT_S; checks are imported in the main thread, which receives signals."""

    def give_up(*_: object) -> None:
        raise NotInTime(f"the import timed out after {IMPORT_S} s; a module must not wait while it is imported")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, IMPORT_S, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class CheckModule(pytest.Module):
    """A module of checks, imported from its suite's package."""

    suite: Suite

    def collect(self) -> Any:
        try:
            self.obj = self.suite.module(self.path)
        except Exception as error:
            raise self.CollectError(f"{self.nodeid} can't be imported: {type(error).__name__}: {error}") from error
        # A check that is imported from another module belongs to that module.
        here = self.obj.__name__
        return [one for one in super().collect() if getattr(getattr(one, "obj", None), "__module__", here) == here]


def imported(suite: Suite, path: Path) -> ModuleType:
    """The module of a team's suite at a path; UsageError with its mistake in one sentence."""
    if "." in path.stem:
        raise pytest.UsageError(f"{suite.check_name(path)}: a module's name must not contain a dot; rename the file")
    try:
        return suite.module(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and pytest.skip(), too
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"{suite.check_name(path)}{f', line {lines[-1]}' if lines else ''}"
        reason = _without_secrets(suite, f"{type(error).__name__}: {error}")
        raise pytest.UsageError(f"{where}: the module can't be imported: {reason}") from None


def _without_secrets(suite: Suite, text: str) -> str:
    """Redact the values of variables that the suite's files name, whose references are not resolved yet."""
    redaction = Redaction()
    for folder in ("environments", "runbooks"):
        for path in (suite.folder / folder).glob("*.yaml"):
            for name in _VARIABLE.findall(path.read_text(encoding="utf-8", errors="replace")):
                redaction.add(os.environ.get(name, ""), name)
    return redaction.text(text)


def own_handles(folder: Path | None) -> dict[str, type[Handle]]:
    """The handles of a team's own capabilities by name; `checks/_NAME.py` defines the one of NAME."""
    suite = team_suite(folder)
    handles: dict[str, type[Handle]] = {}
    if suite is not None:
        for name, path in own_capabilities(folder).items():
            for value in vars(imported(suite, path)).values():
                if isinstance(value, type) and issubclass(value, Handle) and name in value.needs:
                    handles[name] = value
                    _make_strict(value.Settings)
    return handles


def _make_strict(settings: type | None) -> None:
    """Refuse unknown keys in a team's own section, as in every other."""
    if settings is not None and not hasattr(settings, "__pydantic_config__"):
        settings.__pydantic_config__ = STRICT  # type: ignore[attr-defined]


def collector(suite: Suite, path: Path, parent: pytest.Collector) -> CheckModule:
    """The collector of a suite's module."""
    made: CheckModule = CheckModule.from_parent(parent, path=path, nodeid=suite.check_name(path))
    made.suite = suite
    return made
