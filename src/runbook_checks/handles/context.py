"""What all handles of a run share: the run, the probes of its systems, the list of leftovers, the progress line."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from runbook_checks.handles.leftovers import Leftovers
from runbook_checks.handles.system_probes import Bound
from runbook_checks.probes.sql.pool import Pools

if TYPE_CHECKING:
    from runbook_checks.config.run import Run
    from runbook_checks.config.runbook import Chosen


Progress = Callable[[str, bool], None]
"""Show the progress of a long reading; True removes the line at its end."""


class Context:
    """Created once for each run, before its handles."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.leftovers = Leftovers(run.redaction.name)
        self.progress: Progress = lambda _text, _is_over: None
        self._pools = Pools()
        self._bound: dict[str, Bound] = {}
        self._lock = Lock()

    def bound(self, chosen: Chosen) -> Bound:
        """The probes of one system, one object for all its handles."""
        with self._lock:
            if chosen.name not in self._bound:
                self._bound[chosen.name] = Bound(self.run, chosen, self._pools)
            return self._bound[chosen.name]

    def renew(self) -> None:
        """Drop all readings and connections, so that the next round reads everything anew."""
        self.close()
        pools = Pools()
        for bound in self._bound.values():
            bound.renew(pools)
        self.run.started = time.time()

    def close(self) -> None:
        """Close all connections, and stop the commands that references started."""
        for bound in self._bound.values():
            bound.close()
        self.run.vault.close()
