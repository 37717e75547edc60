"""How much memory did a command take at most? Runs it, writes the figure (KiB) to a file, and ends as it ended."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


def main(weight: str, largest_file: str, *words: str) -> int:
    """`largest_file` is the size in bytes that no file may outgrow (as on a full disk), 0 for any."""
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)  # a test that gives us up leaves nothing behind
        if int(largest_file):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest_file), int(largest_file)))
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell is wanted
    _, status, usage = os.wait4(child, 0)
    Path(weight).write_text(str(usage.ru_maxrss))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
