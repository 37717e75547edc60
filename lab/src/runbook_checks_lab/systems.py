"""Which systems does the lab stand in for, and what do they have in common?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runbook_checks_lab.servers.component import Component


# By the name that environment files use: the attribute of Lab.
SYSTEMS = {
    "ai-customer-service": "customer_service",
    "sales-ai": "sales_ai",
    "reverseai": "reverseai",
    "aura-flow": "aura_flow",
}


class StandIn(Protocol):
    """One system of the lab: made with the SharedServers as its only argument, started and stopped with it."""

    missing: dict[str, str]
    """Components that this machine can't have, and why."""

    @property
    def components(self) -> Sequence[Component]:
        """What a fault may change, in the order in which a change settles."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def variables(self) -> dict[str, str]:
        """What environments/lab.yaml refers to."""

    def healed(self) -> None:
        """The last fault has been undone."""

    def requests(self) -> list[dict[str, object]]:
        """What reached its HTTP services."""

    def statements(self) -> list[dict[str, object]]:
        """What reached its databases."""

    def request_log(self) -> list[dict[str, object]]:
        """What its other servers say of what reached them."""

    def clear(self) -> None:
        """Forget all that."""
