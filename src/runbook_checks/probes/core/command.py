"""Run a command and read its output, with a timeout and a size limit."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping

from runbook_checks.inputs.regular_file import why
from runbook_checks.probes.core.child_environment import clean
from runbook_checks.probes.core.deadline import Deadline, within
from runbook_checks.probes.core.reading import NoReading

SLICE_S = 0.05


def run(
    words: list[str], resource: str, *, timeout_s: float, max_bytes: int, variables: Mapping[str, str] | None = None
) -> bytes:
    """Return the first bytes of its standard output. No shell, no input; its output may be secret and is never shown.

    variables  its environment; None passes the variables that every program needs

    NoReading kinds: unreadable (it cannot be started, or fails), timeout. The deadline ends the command and its
    children.
    """
    deadline = within(timeout_s)
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean() if variables is None else dict(variables),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = why(error) if isinstance(error, OSError) else "its arguments contain a NUL"
        raise NoReading(resource, f"cannot run {words[0]}: {reason}", kind="unreadable") from None
    try:
        printed = _output(process, deadline, max_bytes)
        code = _ended(process, deadline) if len(printed) < max_bytes else 0
    finally:
        _end(process)
    if code is None:
        raise NoReading(resource, f"{words[0]} timed out after {deadline.seconds:.1f} s", kind="timeout")
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise NoReading(resource, f"{words[0]} ended with {how}", kind="unreadable", evidence={"exit_code": code})
    return printed


def _output(process: subprocess.Popen[bytes], deadline: Deadline, max_bytes: int) -> bytes:
    """Read until the output or the program ends (its children may keep the output open), or until the deadline."""
    assert process.stdout is not None
    printed = b""
    descriptor = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while len(printed) < max_bytes and not deadline.expired:
            was_over = process.poll() is not None
            if selector.select(min(SLICE_S, deadline.remaining())):
                block = os.read(descriptor, min(65536, max_bytes - len(printed)))
                if not block:
                    break
                printed += block
            elif was_over:
                break
    return printed


def _ended(process: subprocess.Popen[bytes], deadline: Deadline) -> int | None:
    while process.poll() is None and not deadline.expired:
        time.sleep(min(0.005, deadline.remaining()))
    return process.poll()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and all processes in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
