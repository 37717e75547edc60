"""The hooks that this plugin adds to pytest's."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookspec(firstresult=True)
def pytest_runbook_checks_look(number: int, records: list[dict[str, Any]]) -> bool | None:
    """A look of --watch is over; False where its result could not be told to anybody, and looking on is in vain."""


@pytest.hookspec(firstresult=True)
def pytest_runbook_checks_redact(config: pytest.Config, record: dict[str, Any]) -> dict[str, Any] | None:
    """The record of a check without the secrets that are known by now: more of them than when it was made."""
