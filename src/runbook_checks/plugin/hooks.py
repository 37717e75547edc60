"""The hook that this plugin adds to pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runbook_checks.results.model import Result


@pytest.hookspec(firstresult=True)
def pytest_runbook_checks_look(number: int, results: list[Result]) -> bool | None:
    """A pass of --watch has finished; False stops --watch, because its output is lost."""
