"""Start the lab's child processes so that none of them survives the lab."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from runbook_checks_lab.folders import PACKAGE

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: int) -> None:
    """Ask the kernel to send a signal when the parent dies, also after kill -9 (prctl(2))."""
    _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def _in_child(parent: int, number: int) -> Callable[[], None]:
    def prepare() -> None:
        die_with_parent(number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def module(name: str) -> list[str]:
    """Return the command that runs a module of this package in another Python, imported from the same place."""
    isolation = ["-I"] if sys.flags.isolated else []
    code = (
        f"import runpy, sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); "
        f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, *isolation, "-c", code]


def spawn(
    command: Sequence[str],
    *,
    at_death: signal.Signals = signal.SIGKILL,
    user: int | None = None,
    executable: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child process.

    Call this from the main thread: the kernel sends the death signal when the thread that forked ends.
    """
    return subprocess.Popen(
        list(command),
        executable=executable,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        user=user,
        group=user,
        extra_groups=[] if user is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C goes to the lab, which then stops its children in order
        preexec_fn=_in_child(os.getpid(), at_death),  # noqa: PLW1509  it makes one system call and needs no lock
    )


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM, patience_s: float = 3.0) -> None:
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
