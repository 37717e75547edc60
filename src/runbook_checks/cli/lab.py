"""`runbook-checks lab`: run the lab's stand-in systems by hand, in a process that shares no code with this one."""

from __future__ import annotations

import os
import sys

import pytest

from runbook_checks.output.streams import USAGE
from runbook_checks.plugin.lab_command import lab_command


def main(words: list[str]) -> int:
    """Replace this process by the lab; exit code 4 if it is not installed."""
    try:
        command = lab_command(*words)
    except pytest.UsageError as missing:
        print(missing, file=sys.stderr)
        return USAGE
    return os.execv(command[0], command)  # noqa: S606 - a list of arguments; there is no shell in it
