"""No process started by a run survives it, whichever way the run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.harness import interruptible

if TYPE_CHECKING:
    from pathlib import Path

IN_BACKGROUND = ("sh", "-c", 'trap "" INT HUP; exec "$@"', "sh")  # like a command that `nohup` and `&` start
ONE_SYSTEM = ("--system", "ai-customer-service")
MARK = "PYTHONTESTMARK"  # every process that the product starts inherits variables that begin with PYTHON


def marked(mark: str) -> list[psutil.Process]:
    """Return every process that inherited the mark: the run, its workers, the lab and its children."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def process_names(mark: str) -> list[str]:
    """Return the names of the marked processes that are still running."""
    found = []
    for process in marked(mark):
        with suppress(psutil.Error):
            found.append(process.name())
    return found


def started(tmp_path: Path, *arguments: str, within: tuple[str, ...] = ()) -> tuple[subprocess.Popen[str], str]:
    """Start a run with its own lab that takes a while, in its own process group."""
    mark = tmp_path.name + str(os.getpid())
    hidden = ("PYTEST_", "CHECKS_", "LAB_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    words = [
        "-m",
        "pytest",
        "--env",
        "lab",
        "--fault",
        "health.unreachable:read-timeout@ai-customer-service",
        "--out",
        str(tmp_path),
        *arguments,
    ]
    child = interruptible(
        [*within, sys.executable, *words],
        env=environment | {MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    end = time.monotonic() + 60
    while not any("postgres" in name for name in process_names(mark)):
        assert time.monotonic() < end, "the lab did not start"
        time.sleep(0.05)
    return child, mark


def gone(mark: str, within_s: float) -> bool:
    end = time.monotonic() + within_s
    while marked(mark):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["alone", "spread"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["int", "term", "kill"])
def test_no_process_survives_the_run(tmp_path: Path, how: signal.Signals, spread: tuple[str, ...]) -> None:
    child, mark = started(tmp_path, *spread)
    time.sleep(0.5)
    child.send_signal(how)
    child.communicate(timeout=60)
    assert gone(mark, 10), process_names(mark)


def test_no_process_survives_a_successful_run(tmp_path: Path) -> None:
    child, mark = started(tmp_path)
    child.communicate(timeout=60)
    assert child.returncode == 1
    assert gone(mark, 2), process_names(mark)


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["alone", "spread"])
def test_run_in_the_background_is_not_interrupted(tmp_path: Path, spread: tuple[str, ...]) -> None:
    """Neither Ctrl-C in its terminal nor closing the terminal interrupts it; the lab and the workers continue too."""
    child, mark = started(tmp_path, *ONE_SYSTEM, *spread, within=IN_BACKGROUND)
    for number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(child.pid, number)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 1, said
    [document] = tmp_path.glob("2*/results.json")
    assert json.loads(document.read_text())["roots"] == ["health.unreachable[ai-customer-service]"], said
    assert gone(mark, 2), process_names(mark)


def test_run_in_the_background_ends_on_sigterm(tmp_path: Path) -> None:
    child, mark = started(tmp_path, *ONE_SYSTEM, within=IN_BACKGROUND)
    child.terminate()
    child.communicate(timeout=30)
    assert child.returncode == -signal.SIGTERM
    assert gone(mark, 10), process_names(mark)
