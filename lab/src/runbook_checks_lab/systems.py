"""The systems that the lab simulates, and their common interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runbook_checks_lab.servers.component import Component


# Name in environment files -> attribute of Lab.
SYSTEMS = {
    "ai-customer-service": "customer_service",
    "sales-ai": "sales_ai",
    "reverseai": "reverseai",
    "aura-flow": "aura_flow",
}


class StandIn(Protocol):
    """One system of the lab, made with the SharedServers as its only argument."""

    missing: dict[str, str]
    """Components that are not available on this machine, each with the reason."""

    @property
    def components(self) -> Sequence[Component]:
        """The parts that a fault may change, in the order in which they settle."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def variables(self) -> dict[str, str]:
        """The variables that environments/lab.yaml refers to."""

    def healed(self) -> None:
        """Called when the last fault has been undone."""

    def requests(self) -> list[dict[str, object]]:
        """Requests that reached its HTTP services."""

    def statements(self) -> list[dict[str, object]]:
        """Statements that reached its databases."""

    def request_log(self) -> list[dict[str, object]]:
        """Requests recorded by its other servers."""

    def clear(self) -> None:
        """Forget all recorded requests and statements."""
