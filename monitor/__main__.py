"""`python -m monitor ENV`: one round, as `ci/monitor` makes it."""

import sys

from monitor.command import TROUBLE, main
from reports import streams

sys.exit(streams.ended("monitor", main, TROUBLE))
