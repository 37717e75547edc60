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

    def module(self, path: Path) -> ModuleType:
        """The module of one of its checks; whatever the module raises."""
        if self.package == TEAM and TEAM not in sys.modules:
            package = ModuleType(TEAM, "A team's suite.")
            package.__path__ = [str(self.folder)]
            sys.modules[TEAM] = package
        return import_module(f"{self.package}.checks.{path.stem}")

    def check_name(self, path: Path) -> str:
        """A module's name in node ids and reports: relative to its suite."""
        return path.relative_to(self.folder).as_posix()


BUILT_IN = Suite(SUITE, "runbook_checks.suite")


class CheckModule(pytest.Module):
    """A module of checks, imported from its suite's package."""

    suite: Suite

    def collect(self) -> Any:
        try:
            self.obj = self.suite.module(self.path)
        except Exception as error:
            raise self.CollectError(f"{self.nodeid} can't be imported: {type(error).__name__}: {error}") from error
        return super().collect()


def collector(suite: Suite, path: Path, parent: pytest.Collector) -> CheckModule:
    """The collector of one of a suite's modules."""
    made: CheckModule = CheckModule.from_parent(parent, path=path, nodeid=suite.check_name(path))
    made.suite = suite
    return made
