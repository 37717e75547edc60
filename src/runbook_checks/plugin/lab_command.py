"""The command that starts the lab, which is a distribution of its own."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from runbook_checks.probes.core.interpreter import python

PACKAGE = "runbook_checks_lab"


def lab_command(*words: str) -> list[str]:
    """The words that start the lab; UsageError where it is not installed."""
    if find_spec(PACKAGE) is None:
        raise pytest.UsageError("the lab is not installed: `pip install runbook-checks-lab`")
    return [*python(), "-m", PACKAGE, *words]
