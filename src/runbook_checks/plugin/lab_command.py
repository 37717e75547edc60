"""The command that starts the lab, which is a separate distribution."""

from __future__ import annotations

import pytest

from runbook_checks.probes.core.interpreter import module


def lab_command(*words: str) -> list[str]:
    """The words that start the lab; UsageError where it is not installed."""
    try:
        return [*module("runbook_checks_lab"), *words]
    except ModuleNotFoundError:
        raise pytest.UsageError("the lab is not installed: `pip install runbook-checks-lab`") from None
