"""The product as one pytest plugin: conftest.py loads it for `pytest` in the clone, `runbook-checks` with -p.

With -p it is also loaded in workers of pytest-xdist.
"""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from runbook_checks.cli.main import added_options
from runbook_checks.plugin.options import names_of
from runbook_checks.probes.core.interpreter import python

# In the order in which a run uses them.
pytest_plugins = [
    "runbook_checks.plugin.options",
    "runbook_checks.plugin.selection",
    "runbook_checks.plugin.list_symptoms",
    "runbook_checks.reports.plugin",
    "runbook_checks.suite.fixtures.lab",
    "runbook_checks.plugin.crash_redaction",
    "runbook_checks.plugin.scheduler",
    "runbook_checks.plugin.records",
    "runbook_checks.plugin.rerun",
    "runbook_checks.plugin.leftovers",
    "runbook_checks.plugin.progress",
    "runbook_checks.plugin.team",  # the last one is configured right after options, before anything is written
]


def pytest_addoption(parser: pytest.Parser) -> None:
    if names := names_of(added_options()):
        parser.extra_info["CHECKS_ADDOPTS"] = f"adds {names}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Start workers as isolated Python processes: others import from the working directory first."""
    for spec in specs:
        if spec.popen and not spec.python:
            spec.python = shlex.join(python())
