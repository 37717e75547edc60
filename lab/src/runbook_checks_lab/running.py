"""Start a lab, report its addresses, and stop it on a signal or when its parent dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks_lab.folders import RunFolder
from runbook_checks_lab.processes import die_with_parent

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Change

EXAMPLE = '{"fault": "webhook.stale-accepted:accepted"}'
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def run(systems: list[str], faults: list[Change], state: Path | None) -> None:
    ends = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        # `nohup` and `&` start processes with SIGHUP or SIGINT ignored; these must not stop on them.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, ends.set)
    if state:
        _follow_parent(ends)
    folder = RunFolder()
    try:
        from runbook_checks_lab.lab import Lab

        await _boot_and_wait(Lab(folder, systems), faults, state, ends)
    finally:
        folder.remove()


async def _boot_and_wait(lab: Lab, faults: list[Change], state: Path | None, ends: asyncio.Event) -> None:
    waiting = asyncio.create_task(ends.wait())
    starting = asyncio.create_task(_start(lab, faults))
    try:
        await asyncio.wait({waiting, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            _report_addresses(lab, state)
            await waiting
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await lab.stop()


async def _start(lab: Lab, faults: list[Change]) -> None:
    from runbook_checks_lab.control import create_control
    from runbook_checks_lab.fault_stack import FaultStack

    stack = FaultStack(lab)
    await lab.start(create_control(lab, stack))
    for fault in faults:
        await stack.apply(fault)


def _follow_parent(ends: asyncio.Event) -> None:
    """Stop when the parent process dies. The kernel's signal also comes when only the parent's thread ends."""
    parent = os.getppid()

    def look() -> None:
        if os.getppid() == parent:
            die_with_parent(signal.SIGUSR1)
        else:
            ends.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, look)
    look()


def _report_addresses(lab: Lab, state: Path | None) -> None:
    for part, why in lab.missing().items():
        print(f"the lab has no {part}: {why}", file=sys.stderr, flush=True)
    if state is None:
        _print(lab)
        return
    addresses = {
        "pid": os.getpid(),
        "control": lab.control_url,
        "variables": lab.variables,
        "missing": lab.missing(),
    }
    if state.is_symlink() or (state.exists() and not state.is_file()):
        raise OSError(f"--state {state} is not a regular file")
    handle, new_path = tempfile.mkstemp(dir=state.parent)
    with os.fdopen(handle, "w") as stream:
        json.dump(addresses, stream, indent=1)
    Path(new_path).replace(state)


def _print(lab: Lab) -> None:
    for name, value in lab.variables.items():
        print(f"{name}={value}")
    print("\nThe lab is up; Ctrl-C stops it. To apply and to undo a fault:")
    for method in ("POST", "DELETE"):
        print(f"  curl -X {method:<6} {lab.control_url}/faults -d '{EXAMPLE}'", flush=True)
