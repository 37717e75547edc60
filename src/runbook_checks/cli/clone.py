"""Let `pytest --env PATH` in the clone find the product when PATH lies outside of the clone.

pytest looks for its settings before it knows our options, and takes any existing path after one of them (`--env PATH`,
`--results FILE`) for a place of tests: with one outside the project it finds no settings, or another's, and our options
are unrecognised. Only then is this plugin, an entry point that tools/setup.py makes, loaded at all (our settings switch
the loading of entry points off). It starts Python anew as `runbook-checks`: a run within this process would find other
packages' plugins, loaded by their entry points too, half set up (Hypothesis then warns of all that it does).
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
