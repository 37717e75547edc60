"""The lock of a round, and gaps in the schedule."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING

from runbook_checks.monitor.messages import clock, length

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKIPPED = "stepped-aside"
LATE = 1.75  # a gap of this many intervals means that a run is late


class Overlapped(Exception):
    """Another run holds the lock; the sentence says which, and since when."""


@contextmanager
def locked(folder: Path) -> Iterator[str]:
    """Hold the lock of an environment's folder, which a killed process releases; Overlapped if another run has it.

    Where the disk allows no lock, the round continues without one, and yields a sentence about it: a duplicate message
    is better than none.
    """
    with ExitStack() as held:
        trouble = ""
        try:
            _lock(held.enter_context(_opened(folder)), folder)
        except OSError as error:
            trouble = f"cannot lock {folder}: {error.strerror}"
        yield trouble


def _lock(file: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        with suppress(OSError), (folder / SKIPPED).open("a", encoding="utf-8") as skipped:
            skipped.write(f"{time.time():.0f}\n")
        holder = file.read().strip() or "just started"
        raise Overlapped(f"another run is still running ({holder}); skipped") from None
    with suppress(OSError):
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), f"process {os.getpid()}, since {clock(time.time())}\n".encode())


def _opened(folder: Path) -> IO[str]:
    """The lock file; an existing one can also be locked on a read-only disk."""
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        return path.open("a+", encoding="utf-8")
    except OSError:
        if not path.is_file():
            raise
        return path.open(encoding="utf-8")


def skipped_runs(folder: Path) -> int:
    """The number of runs skipped since the last call."""
    path = folder / SKIPPED
    count = 0
    with suppress(OSError, UnicodeDecodeError):
        count = len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0
        path.unlink()
    return count


def gap(last: float, at: float, every_min: float, *, had_no_history: bool = False) -> str:
    """A message about a gap in the schedule or in the history; empty where this run is on time."""
    passed, every_s = at - last, every_min * 60
    if passed < LATE * every_s:
        return ""
    times = f"from {clock(last)} to {clock(at)} ({length(passed)})"
    if had_no_history:
        return f"no history {times}: messages sent in that time are repeated"
    missed = round(passed / every_s) - 1
    runs = f"{missed} runs were" if missed > 1 else "a run was"
    return f"no checks {times}: {runs} missed or late"
