"""Let `pytest --env PATH` in the clone find the product when PATH lies outside of the clone.

pytest searches its settings before it knows our options, and takes an existing path after one of them (`--env PATH`,
`--results FILE`) for a path of tests. With a path outside of the project it finds no settings, or another project's,
and does not recognise our options. Only then is this plugin loaded, an entry point created by tools/setup.py: our
settings disable the loading of entry points. It restarts Python as `runbook-checks`, because in this process other
packages' plugins are already partly set up (Hypothesis then warns about every step).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runbook_checks.cli.main import restart_isolated
from runbook_checks.locations import SUITE

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None, None, None]:
    is_asked_for = "CHECKS_ENV" in os.environ or any(word.partition("=")[0] == "--env" for word in args)
    is_here = early_config.invocation_params.dir.is_relative_to(SUITE)
    if is_asked_for and is_here and early_config.inipath != SUITE / "pyproject.toml":
        restart_isolated([str(word) for word in early_config.invocation_params.args])
    return (yield)
