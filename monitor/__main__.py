"""`python -m monitor ENV`: one round, as `ci/monitor` makes it."""

import sys

from monitor.command import main

sys.exit(main())
