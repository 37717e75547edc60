"""Does `pytest --env PATH` find the product when PATH lies outside of it?

pytest looks for its settings before it knows our options, and takes the path after `--env` for a folder of tests:
with one outside the project it finds no settings, or another's, and --env is unrecognised. Only then is this plugin,
an entry point, loaded at all (our settings switch the loading of entry points off), and starts anew by the console
script.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from ci.command import PROJECT, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None, None, None]:
    here = early_config.invocation_params.dir
    if early_config.inipath != SETTINGS and "--env" in args and here.is_relative_to(PROJECT):
        words = [str(word) for word in early_config.invocation_params.args]
        os.execv(sys.executable, [sys.executable, "-m", "ci.command", *words])  # noqa: S606 - no shell is wanted
    return (yield)
