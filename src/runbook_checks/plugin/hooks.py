"""The hook that this plugin adds to pytest's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runbook_checks.results.model import Result


@pytest.hookspec(firstresult=True)
def pytest_runbook_checks_look(number: int, results: list[Result]) -> bool | None:
    """A look of --watch is over; False where its output is lost, and looking on is in vain."""
