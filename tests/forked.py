"""Run the product thousands of times without loading it each time.

Starting Python and importing modules takes nine tenths of a small run's CPU time. multiprocessing's fork server imports
the modules once; each run is a process forked from it, with its own environment, working folder and streams.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import time
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARIES = [
    *("pytest", "xdist.plugin", "allure_pytest.plugin", "requests", "psycopg", "pymysql", "dns.resolver"),
    *("yaml", "pydantic", "cryptography.x509"),
]
PROJECT = Path(__file__).resolve().parent.parent
_READ_AT_START = ("PYTHON", "LC_", "LANG", "MALLOC_", "LD_")


def fits(variables: Mapping[str, str], cwd: Path) -> bool:
    """Whether none of these variables affects Python's start, and the modules are those of this project."""
    return cwd == PROJECT and not any(name.startswith(_READ_AT_START) for name in variables)


def pytest_run(
    arguments: tuple[str, ...], environment: dict[str, str], cwd: Path, timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Same interface as subprocess.run, including TimeoutExpired."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        streams = [f"/proc/{os.getpid()}/fd/{stream.fileno()}" for stream in (out, errors)]
        process = _server().Process(target=_pytest, args=(arguments, environment, str(cwd), streams))
        process.start()
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["pytest", *arguments], timeout_s)
        code = process.exitcode
        process.close()
        out.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, -1 if code is None else code, out.read(), errors.read())


@cache
def _server() -> ForkServerContext:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([*LIBRARIES, "tests.preloaded"])
    return server


def _pytest(arguments: tuple[str, ...], environment: dict[str, str], cwd: str, streams: list[str]) -> None:
    """Do what `python -m pytest` does, in the forked process."""
    for number, stream in enumerate(streams, start=1):
        opened = os.open(stream, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    time.tzset()
    tempfile.tempdir = None
    sys.argv = ["pytest", *arguments]
    sys.path[0] = cwd
    try:
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing ends without them
