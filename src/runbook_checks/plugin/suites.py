"""The suites of a run: the built-in one and, where a team has one, its own. Their checks are imported as packages.

A suite is a folder with `environments/` and, as needed, `runbooks/` and `checks/`. The team's is imported under a
private name, so that nothing in its repository stands in for a module of another name.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runbook_checks.config.capabilities.rules import STRICT
from runbook_checks.config.environment_files import own_capabilities
from runbook_checks.handles.base import Handle
from runbook_checks.locations import SUITE

TEAM = "_runbook_checks_team"


@dataclass(frozen=True)
class Suite:
    """A suite's folder, and the package that its `checks` are imported from."""

    folder: Path
    package: str

    @property
    def checks(self) -> Path:
        return self.folder / "checks"

    def modules(self) -> list[Path]:
        """Its modules of checks. Other Python in a folder `checks` does not import runbook_checks, and is let be."""
        paths = [path for path in sorted(self.checks.glob("*.py")) if _may_hold_checks(path)]
        return [path for path in paths if "runbook_checks" in path.read_text(encoding="utf-8", errors="replace")]

    def module(self, path: Path) -> ModuleType:
        """The module of one of its checks; whatever the module raises."""
        if self.package == TEAM:
            _make_package(self.folder)
        return import_module(f"{self.package}.checks.{path.stem}")

    def check_name(self, path: Path) -> str:
        """A module's name in node ids and reports: relative to its suite."""
        return path.relative_to(self.folder).as_posix()


def _may_hold_checks(path: Path) -> bool:
    """A name with `_` before it is a helper's; conftest.py is pytest's, which runbook-checks does not heed."""
    return not path.name.startswith("_") and path.name != "conftest.py"


BUILT_IN = Suite(SUITE, "runbook_checks.suite")


def team_suite(folder: Path | None) -> Suite | None:
    """A team's suite by its folder, where it has checks of its own."""
    return Suite(folder, TEAM) if folder and (folder / "checks").is_dir() else None


def _make_package(folder: Path) -> None:
    """Make the private package of a team's suite, once."""
    made = sys.modules.get(TEAM)
    if made is None or list(made.__path__) != [str(folder)]:
        package = ModuleType(TEAM, "A team's suite.")
        package.__path__ = [str(folder)]
        sys.modules[TEAM] = package


class CheckModule(pytest.Module):
    """A module of checks, imported from its suite's package."""

    suite: Suite

    def collect(self) -> Any:
        try:
            self.obj = self.suite.module(self.path)
        except Exception as error:
            raise self.CollectError(f"{self.nodeid} can't be imported: {type(error).__name__}: {error}") from error
        return super().collect()


def imported(suite: Suite, path: Path) -> ModuleType:
    """A module of a team's suite; UsageError with its mistake in one sentence."""
    try:
        return suite.module(path)
    except Exception as error:
        raise pytest.UsageError(f"{suite.check_name(path)}: {type(error).__name__}: {error}") from None


def own_handles(folder: Path | None) -> dict[str, type[Handle]]:
    """The handles of a team's own capabilities, by capability: `checks/_NAME.py` holds the one of NAME."""
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
    """An unknown key in a team's own section is a mistake, as in every other."""
    if settings is not None and not hasattr(settings, "__pydantic_config__"):
        settings.__pydantic_config__ = STRICT  # type: ignore[attr-defined]


def collector(suite: Suite, path: Path, parent: pytest.Collector) -> CheckModule:
    """The collector of one of a suite's modules."""
    made: CheckModule = CheckModule.from_parent(parent, path=path, nodeid=suite.check_name(path))
    made.suite = suite
    return made
