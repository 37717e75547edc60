"""Is another run still at it, and did the schedule start this one in time?"""

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

ASIDE = "stepped-aside"
LATE = 1.75  # a gap of so many intervals is late; one of two or more, runs were missed


class Overlapped(Exception):
    """Another run holds the lock; the sentence says which, and since when."""


@contextmanager
def alone(folder: Path) -> Iterator[str]:
    """The lock of an environment's folder; whoever holds it is the one writer. A kill lets go of it.

    Where a disk gives none, the round goes on without it and the sentence that comes says so: telling twice is better
    than not at all.
    """
    with ExitStack() as held:
        trouble = ""
        try:
            _lock(held.enter_context(_opened(folder)), folder)
        except OSError as error:
            trouble = f"the lock can't be taken ({folder}: {error.strerror})"
        yield trouble


def _lock(file: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        with suppress(OSError), (folder / ASIDE).open("a", encoding="utf-8") as aside:
            aside.write(f"{time.time():.0f}\n")
        raise Overlapped(f"another run is still at it ({file.read().strip() or 'just begun'}); stepped aside") from None
    with suppress(OSError):
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), f"process {os.getpid()}, since {clock(time.time())}\n".encode())


def _opened(folder: Path) -> IO[str]:
    """The lock's file; one that is there can be locked on a read-only disk, too."""
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        return path.open("a+", encoding="utf-8")
    except OSError:
        if not path.is_file():
            raise
        return path.open(encoding="utf-8")


def stepped_aside(folder: Path) -> int:
    """How many runs gave way since this was last asked."""
    path = folder / ASIDE
    count = 0
    with suppress(OSError, UnicodeDecodeError):
        count = len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0
        path.unlink()
    return count


def gap(last: float, at: float, every_min: float, *, was_blind: bool = False) -> str:
    """What to tell of a gap in the schedule, or in what could be remembered; nothing where this run is in time."""
    passed, every_s = at - last, every_min * 60
    if passed < LATE * every_s:
        return ""
    times = f"from {clock(last)} to {clock(at)} ({length(passed)})"
    if was_blind:
        return f"nothing could be remembered {times}: what was told meanwhile is told anew"
    missed = round(passed / every_s) - 1
    runs = f"{missed} runs were" if missed > 1 else "a run was"
    return f"nobody looked {times}: {runs} missed or late"
