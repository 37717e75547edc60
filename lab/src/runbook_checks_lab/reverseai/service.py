"""State of the running API: rules, clock and store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runbook_checks_lab.reverseai.rules import ApiBehaviour
from runbook_checks_lab.servers.answers import Versions, clock_of

if TYPE_CHECKING:
    from runbook_checks_lab.reverseai.store import Store


class Service:
    """The state that the routes share; faults change `behaviour`."""

    def __init__(self) -> None:
        self.behaviour = ApiBehaviour()
        self.clock = clock_of(lambda: self.behaviour)
        self.versions = Versions(lambda: self.behaviour)
        self.store: Store | None = None

    async def settle(self) -> None:
        """Make the service notice every change now, and not at the next request."""
        if self.store:
            await asyncio.to_thread(self.store.probe)

    def components(self) -> dict[str, str]:
        if self.store is None:
            return {}
        return {"database": "ok" if self.store.is_up() else "down"}
