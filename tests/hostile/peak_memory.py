"""Run a command, write its peak memory (KiB) to a file, and exit as it did."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


def main(weight: str, largest_file: str, *words: str) -> int:
    """Run the command; `largest_file` limits the size of files in bytes (as a full disk would), 0 means no limit."""
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)  # if the test is cancelled, the command ends with it
        if int(largest_file):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest_file), int(largest_file)))
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell is wanted
    _, status, usage = os.wait4(child, 0)
    Path(weight).write_text(str(usage.ru_maxrss))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
