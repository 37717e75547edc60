"""Is another run still at it, and did the schedule start this one in time?"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor.messages import clock, length

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATE = 1.75  # a gap of so many intervals is late; one of two or more, runs were missed


class Overlapped(Exception):
    """Another run holds the lock; the sentence says which, and since when."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The lock of an environment's folder; whoever holds it is the one writer. A kill lets go of it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            with (folder / "stepped-aside").open("a", encoding="utf-8") as aside:
                aside.write(f"{time.time():.0f}\n")
            raise Overlapped(
                f"another run is still at it ({lock.read().strip() or 'just begun'}); stepped aside"
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {clock(time.time())}\n")
        lock.flush()
        yield


def stepped_aside(folder: Path) -> int:
    """How many runs gave way since this was last asked."""
    path = folder / "stepped-aside"
    try:
        count = len(path.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return 0
    path.unlink()
    return count


def gap(last: float, at: float, every_min: float) -> str:
    """What to tell of a gap in the schedule; nothing where this run is in time."""
    passed, every_s = at - last, every_min * 60
    if passed < LATE * every_s:
        return ""
    missed = round(passed / every_s) - 1
    runs = f"{missed} runs were" if missed > 1 else "a run was"
    return f"nobody looked from {clock(last)} to {clock(at)} ({length(passed)}): {runs} missed or late"
