"""Run a reading that may hang in a separate process, which the deadline kills.

A regular expression, for example, may block the interpreter forever: no other thread, deadline or signal handler of
its process runs then.
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
RETURN_S = 0.5  # the process' own deadline is earlier, so that it can report how far it came
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


def run_isolated(
    make: Callable[..., T], *arguments: Any, resource: str, timeout_s: float, memory: int | None = MAX_MEMORY
) -> T:
    """Call `make`, a function of a module, in a separate process; arguments, result and a NoReading are pickled.

    memory  limit of its address space in bytes; None for programs that reserve far more than they use

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
    """Return the folder that the function's top-level package was imported from, which may be a team's or a test's."""
    top = sys.modules[make.__module__.partition(".")[0]]
    file = getattr(top, "__file__", None)
    return [str(Path(file).resolve().parents[1 if hasattr(top, "__path__") else 0])] if file else []


def _ended(code: int, deadline: Deadline, resource: str) -> NoReading:
    if deadline.expired:
        return NoReading(resource, f"the reading timed out after {deadline.seconds:.1f} s", kind="timeout")
    return NoReading(resource, f"the process of the reading ended with {code}", kind="crashed")


def serve() -> NoReturn:
    """Run in the other process: read a task from standard input, write its result to standard output."""
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of a library must not mix with the result
    make, arguments, memory, end = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own process wrote it
    seconds = max(0.0, end - time.monotonic())  # the monotonic clock is the same in all processes
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
    except Exception as other:  # a library's exception may not be picklable, or unknown to the parent
        error = RuntimeError(f"{type(other).__name__}: {other}")
    results.write(pickle.dumps((result, error, entries)))
    results.flush()
    os._exit(0)


def _bound(seconds: float, memory: int | None) -> None:
    """End with the parent process, and limit processor time and memory."""
    with contextlib.suppress(OSError, AttributeError):  # only Linux has prctl
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    limits = [(resource.RLIMIT_CPU, int(seconds) + 5)] + ([(resource.RLIMIT_AS, memory)] if memory else [])
    for what, most in limits:
        _, hard = resource.getrlimit(what)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, hard))
