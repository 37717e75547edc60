"""`python -m runbook_checks.monitor ENV`: one round, as `runbook-checks monitor` makes it."""

from __future__ import annotations

import os
import sys

from runbook_checks.monitor.command import TROUBLE, main
from runbook_checks.output import streams


def run(words: list[str]) -> int:
    """Make one round and end the process."""
    code = streams.ended("monitor", lambda: main(words), TROUBLE)
    os._exit(code)  # sys.exit() would join Apprise's threads, also those that timed out


if __name__ == "__main__":
    run(sys.argv[1:])
