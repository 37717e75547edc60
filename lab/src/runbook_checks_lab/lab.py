"""The whole lab: its parts, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.aura_flow.system import AuraFlow
from runbook_checks_lab.customer_service.system import CustomerService
from runbook_checks_lab.reverseai.system import ReverseAi
from runbook_checks_lab.sales_ai.system import SalesAi
from runbook_checks_lab.servers import request_log
from runbook_checks_lab.servers.port_holder import holding
from runbook_checks_lab.shared_servers import SharedServers
from runbook_checks_lab.systems import SYSTEMS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping

    from starlette.types import ASGIApp

    from runbook_checks_lab.folders import RunFolder
    from runbook_checks_lab.servers.component import Component
    from runbook_checks_lab.systems import StandIn

CLASSES: Mapping[str, Callable[[SharedServers], StandIn]] = {
    "ai-customer-service": CustomerService,
    "sales-ai": SalesAi,
    "reverseai": ReverseAi,
    "aura-flow": AuraFlow,
}


class Lab(SharedServers):
    """The shared servers, and one attribute for each running system."""

    customer_service: CustomerService
    sales_ai: SalesAi
    reverseai: ReverseAi
    aura_flow: AuraFlow

    def __init__(self, run: RunFolder, names: Iterable[str] = SYSTEMS) -> None:
        super().__init__(run)
        self.loop = asyncio.get_running_loop()
        self.token = secrets.token_urlsafe(16)
        self.names = tuple(names)
        self.systems = [self._made(name) for name in self.names]
        self.variables: dict[str, str] = {}

    def _made(self, name: str) -> StandIn:
        system = CLASSES[name](self)
        setattr(self, SYSTEMS[name], system)
        return system

    @property
    def components(self) -> list[Component]:
        return [self.dns, self.moto, self.moto.front, *(part for system in self.systems for part in system.components)]

    async def start(self, control: ASGIApp) -> None:
        """Start every part; `control` serves the control requests."""
        await asyncio.gather(
            self.dns.start(), asyncio.to_thread(self.authority.start), *(system.start() for system in self.systems)
        )
        await self.control.start(control)
        self.variables = self._variables()  # read before any fault is applied, so these are the healthy values

    async def stop(self) -> None:
        await asyncio.gather(
            self.dns.stop(),
            self.control.stop(),
            self.moto.stop(),
            *(system.stop() for system in self.systems),
            return_exceptions=True,
        )

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control.port}/{self.token}"

    def _variables(self) -> dict[str, str]:
        shared = {
            "LAB_RESOLVER": f"127.0.0.1:{self.dns.port}",
            "LAB_AUTHORITATIVE_PORT": str(self.dns.authoritative.port),
            "LAB_CA_FILE": str(self.authority.ca_file),
            "LAB_INTERMEDIATES_FILE": str(self.authority.intermediates_file),
        }
        for system in self.systems:
            shared |= system.variables()
        return shared

    def missing(self) -> dict[str, str]:
        return {part: why for system in self.systems for part, why in system.missing.items()}

    def requests(self) -> list[dict[str, object]]:
        return [row for system in self.systems for row in system.requests()]

    def statements(self) -> list[dict[str, object]]:
        return [row for system in self.systems for row in system.statements()]

    def request_log(self) -> list[dict[str, object]]:
        """Requests that reached any server, as recorded by the servers."""
        rows = [*request_log.ENTRIES, *self.moto.request_log()]
        return rows + [row for system in self.systems for row in system.request_log()]

    def clear(self) -> None:
        request_log.ENTRIES.clear()
        self.moto.clear()
        for system in self.systems:
            system.clear()

    def on_loop(self, step: Coroutine[Any, Any, Any], patience_s: float = 10.0) -> Any:
        """Run one step in the lab's event loop, on its main thread; for faults, which run in worker threads."""
        return asyncio.run_coroutine_threadsafe(step, self.loop).result(patience_s)

    @contextlib.contextmanager
    def hold_port(self, port: int, spawn: Callable[[], subprocess.Popen[bytes]]) -> Iterator[None]:
        """Another process holds the port. It is spawned on the main thread, so that it dies with the lab."""

        async def on_main_thread() -> subprocess.Popen[bytes]:
            return spawn()

        with holding(port, lambda: self.on_loop(on_main_thread())):
            yield

    def settle(self) -> None:
        for part in self.components:
            self.on_loop(part.settle())
