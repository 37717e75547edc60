"""How is a reading made that may never come to an end? In a process of its own, which ends with the deadline.

A regular expression, to name one, may hold the interpreter for ever: then no other thread, no deadline and no
signal of its process has a turn.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from runbook_checks.locations import CODE
from runbook_checks.probes.core.child_environment import clean
from runbook_checks.probes.core.deadline import Deadline, current, within
from runbook_checks.probes.core.interpreter import python
from runbook_checks.probes.core.reading import NoReading, Reading, journal

T = TypeVar("T")
SERVE = "import sys; sys.path[:0] = {folders!r}; from runbook_checks.probes.core.isolated import serve; serve()"
MAX_MEMORY = 2 << 30
RETURN_S = 0.5  # its own deadline comes first: it can say how far it came
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


def apart(
    make: Callable[..., T], *arguments: Any, resource: str, timeout_s: float, memory: int | None = MAX_MEMORY
) -> T:
    """What `make`, a function of a module, gives for these arguments; they, the result and a NoReading are pickled.

    memory  the most it may take, in bytes of addresses; None for programs that reserve far more than they use

    NoReading kinds: make's own; timeout, crashed.
    """
    deadline = within(timeout_s)
    task = pickle.dumps((make, arguments, memory, time.monotonic() + deadline.remaining() - RETURN_S))
    process = subprocess.Popen(
        [*python(), "-c", SERVE.format(folders=[str(CODE), *_folder_of(make)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean(),
    )
    try:
        with deadline.on_expiry(process.kill):
            printed, _ = process.communicate(task)
    finally:
        process.kill()
    if process.returncode:
        raise _ended(process.returncode, deadline, resource)
    result, error, entries = pickle.loads(printed)  # noqa: S301 - our own process wrote it
    kept = journal.get()
    if kept is not None:
        kept.extend(entries)
    if error is not None:
        raise error
    return cast(T, result)


def _folder_of(make: Callable[..., Any]) -> list[str]:
    """The folder that the function's top-level package was imported from, which may be a team's or a test's."""
    top = sys.modules[make.__module__.partition(".")[0]]
    file = getattr(top, "__file__", None)
    return [str(Path(file).resolve().parents[1 if hasattr(top, "__path__") else 0])] if file else []


def _ended(code: int, deadline: Deadline, resource: str) -> NoReading:
    if deadline.expired:
        return NoReading(resource, f"the look came to no end within {deadline.seconds:.1f} s", kind="timeout")
    return NoReading(resource, f"the process that looked ended with {code}", kind="crashed")


def serve() -> NoReturn:
    """In the other process: take a task from standard input, leave its result on standard output."""
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no result
    make, arguments, memory, end = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own process wrote it
    seconds = max(0.0, end - time.monotonic())  # one clock for all processes; the start took some of it
    _bound(seconds, memory)
    current.set(Deadline(seconds))
    entries: list[Reading] = []
    journal.set(entries)
    result: Any = None
    error: Exception | None = None
    try:
        result = make(*arguments)
    except NoReading as gone:
        error = gone
    except Exception as other:  # one of a library's may not be picklable, nor known over there
        error = RuntimeError(f"{type(other).__name__}: {other}")
    results.write(pickle.dumps((result, error, entries)))
    results.flush()
    os._exit(0)


def _bound(seconds: float, memory: int | None) -> None:
    """End with whoever waits for the result, and take neither the processor nor the memory for ever."""
    with contextlib.suppress(OSError, AttributeError):  # Linux alone has it
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    limits = [(resource.RLIMIT_CPU, int(seconds) + 5)] + ([(resource.RLIMIT_AS, memory)] if memory else [])
    for what, most in limits:
        _, hard = resource.getrlimit(what)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, hard))
