"""How does a child of the lab start, and what makes sure that it never outlives the lab?"""

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
    """Ask the kernel for a signal at the parent's death; it also comes after kill -9 (prctl(2))."""
    _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def _in_child(parent: int, number: int) -> Callable[[], None]:
    def prepare() -> None:
        die_with_parent(number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def module(name: str) -> list[str]:
    """The command that runs a module of this package in another Python, which imports it from where this one did."""
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
    """Call from the main thread: the kernel counts the death of the thread that forked as the parent's."""
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
        start_new_session=True,  # Ctrl-C is for the lab, which then stops its children in order
        preexec_fn=_in_child(os.getpid(), at_death),  # noqa: PLW1509  no thread holds a lock it needs: one system call
    )


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM, patience_s: float = 3.0) -> None:
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
