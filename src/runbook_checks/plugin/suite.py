"""The suite as one pytest plugin: for `runbook-checks` what conftest.py is for `pytest` in the clone.

Named by -p, and so loaded in workers of pytest-xdist as well.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any

import pytest

from conftest import pytest_plugins
from runbook_checks.cli.main import PROJECT, added_options
from runbook_checks.plugin.options import names_of

__all__ = ["pytest_plugins"]


def pytest_addoption(parser: pytest.Parser) -> None:
    if names := names_of(added_options()):
        parser.extra_info["CHECKS_ADDOPTS"] = f"adds {names}"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Run the product's checks where the caller names none."""
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR:
        config.args = [str(PROJECT / "checks")]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Isolate the workers: each is a new Python, which else imports from the working directory first."""
    for spec in specs:
        if spec.popen and not spec.python:
            spec.python = f"{shlex.quote(sys.executable)} -I"
