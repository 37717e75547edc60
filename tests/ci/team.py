"""A team's repository in which every file and variable that pytest and Python read would spoil the run."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONFTEST = """
import socket
import pytest

class NoNetwork:
    def __init__(self, *_, **__):
        raise OSError("switched off by the team's conftest.py")

def pytest_addoption(parser):
    parser.addoption("--env", default="theirs")

@pytest.fixture(autouse=True, scope="session")
def switched_off():
    socket.socket = NoNetwork

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.skip(reason="theirs"))
    items.clear()

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""
ADDED = "-p broken --collect-only -k nothing"
SETTINGS = f"addopts = {ADDED}\npython_functions = nothing_*\ntestpaths = tests\n"
RAISES = "raise RuntimeError(f'{__file__} was imported')\n"
OURS = ("bench", "checks", "ci", "docs", "environments", "fixtures", "lab", "monitor", "probes", "reports", "runbooks")
# Python itself imports these before the product, or before the command that an installer writes: with PYTHONPATH=. they
# are always found first.
BEFORE_US = ("re", "sitecustomize", "usercustomize")
LIBRARIES = ("allure_pytest", "broken", "pluggy", "psycopg", "pytest", "requests", "xdist", "yaml")
STANDARD = ("json", "queue", "socket")


def made(folder: Path) -> Path:
    """Create the repository."""
    (folder / "tests").mkdir(parents=True)
    for path in ("conftest.py", "tests/conftest.py"):
        (folder / path).write_text(CONFTEST)
    for name in (*OURS, *BEFORE_US, *LIBRARIES, *STANDARD):
        (folder / f"{name}.py").write_text(RAISES)
    (folder / "checks").mkdir()
    for name in ("__init__", "conftest", "health"):
        (folder / "checks" / f"{name}.py").write_text(RAISES)
    for name in ("pytest.ini", "tox.ini"):
        (folder / name).write_text(f"[pytest]\n{SETTINGS}")
    (folder / "setup.cfg").write_text(f"[tool:pytest]\n{SETTINGS}")
    (folder / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\naddopts = {ADDED.split()}\n")
    (folder / "schemathesis.toml").write_text("this is not TOML\n")
    (folder / "plan.json").write_text(json.dumps({"tests": [{"id": 1, "selector": "theirs"}]}))
    (folder / "elsewhere" / "gate").mkdir(parents=True)
    return folder


def without_what_comes_before_us(folder: Path) -> None:
    """Remove the files that affect `runbook-checks` even before it starts, if PYTHONPATH contains this folder."""
    for name in BEFORE_US:
        (folder / f"{name}.py").unlink()


def variables(folder: Path) -> dict[str, str]:
    """Return variables that a team's shell or tox may set, each of which would spoil the run."""
    return {
        "ALLURE_TESTPLAN_PATH": str(folder / "plan.json"),
        "CDPATH": str(folder / "elsewhere"),
        "MAKEFLAGS": "n",
        "PYTEST_ADDOPTS": ADDED,
        "PYTEST_PLUGINS": "broken",
        "PYTEST_THEME": "none-such",
        "PYTEST_XDIST_WORKER": "gw9",
        "PYTHONINSPECT": "1",
        "PYTHONOPTIMIZE": "2",
        "PYTHONPATH": os.pathsep.join([".", str(folder)]),
        "PYTHONWARNINGS": "error",
        "TOX_ENV_DIR": str(folder),
    }


def path_without_node(folder: Path) -> str:
    """Return a PATH with what ci/gate needs, but without node: writing the report takes long and decides nothing."""
    folder.mkdir()
    for program in ("sh", "dirname", "readlink", "mkdir", "rm", "cat", "cp", "make"):
        (folder / program).symlink_to(str(shutil.which(program)))
    return str(folder)
