"""`python -m monitor ENV`: one round, as `ci/monitor` makes it."""

import os

from runbook_checks.monitor.command import TROUBLE, main
from runbook_checks.output import streams

code = streams.ended("monitor", main, TROUBLE)
os._exit(code)  # sys.exit() would wait for what was given up: Apprise sends in threads that the interpreter joins
