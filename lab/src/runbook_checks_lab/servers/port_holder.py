"""Start processes that hold the port of a service."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

BOOT_S = 10.0


def instance_of(name: str, port: int) -> subprocess.Popen[bytes]:
    """Start a process with the service's name and responses."""
    from runbook_checks_lab.processes import spawn

    script = str(Path(__file__).with_name("port_holder_child.py"))
    environment = {"PYTHONHOME": sys.base_prefix, "PATH": os.defpath}
    return spawn([name, "-S", script, name, str(port)], executable=sys.executable, env=environment)


def unrelated(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start Python's own web server, on an empty folder."""
    from runbook_checks_lab.processes import spawn

    served = ["--bind", "127.0.0.1", "--directory", str(folder), str(port)]
    return spawn([sys.executable, "-I", "-m", "http.server", *served])


@contextlib.contextmanager
def holding(port: int, spawn: Callable[[], subprocess.Popen[bytes]]) -> Iterator[None]:
    from runbook_checks_lab.processes import end

    process = spawn()
    try:
        deadline = time.monotonic() + BOOT_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"no process listens on port {port}")
            time.sleep(0.01)
        yield
    finally:
        end(process, signal.SIGKILL)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False
