"""State of the running service: rules, clock, log and store."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.customer_service.logfile import BACKGROUND, HEARTBEAT_EVERY_S, heartbeat
from runbook_checks_lab.customer_service.rules import ServiceBehaviour
from runbook_checks_lab.servers.answers import Versions, clock_of
from runbook_checks_lab.servers.known_errors import is_known_due

if TYPE_CHECKING:
    from runbook_checks_lab.customer_service.logfile import LogFile
    from runbook_checks_lab.customer_service.store import Connection, Store


class Service:
    """The state that the routes share; faults change `behaviour`."""

    def __init__(self, log: LogFile) -> None:
        self.behaviour = ServiceBehaviour()
        self.clock = clock_of(lambda: self.behaviour)
        self.versions = Versions(lambda: self.behaviour)
        self.log = log
        self.store: Store | None = None
        self._last_read: dict[str, list[dict[str, Any]]] = {}

    async def settle(self) -> None:
        """Make the service notice every change now, and not at the next request."""
        if self.store:
            await asyncio.to_thread(self.store.probe)

    def components(self) -> dict[str, str]:
        if self.store is None:
            return {}
        return {"postgres": "UP" if self.store.is_up() else "DOWN"}

    def read(self, name: str, query: Callable[[Connection], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return a list, from the last good reading while the database is unreachable."""
        import psycopg

        from runbook_checks_lab.customer_service.store import Down

        with contextlib.suppress(Down, psycopg.Error):
            if self.store:
                with self.store.connection() as db:
                    self._last_read[name] = query(db)
        return self._last_read.get(name, [])

    async def live(self) -> None:
        """Write the log entries of normal operation."""
        for beat in itertools.count(1):
            await asyncio.sleep(HEARTBEAT_EVERY_S)
            self.log.write(*heartbeat())
            if is_known_due(beat, HEARTBEAT_EVERY_S):
                self.log.write("ERROR", BACKGROUND)
