"""Common parts of all providers' APIs: a name, TLS, a key, and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.servers.answers import HttpBehaviour, clock_of
from runbook_checks_lab.servers.asgi import HttpServer
from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.front import Front

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from runbook_checks_lab.servers.component import Component
    from runbook_checks_lab.servers.recorder import Recorder
    from runbook_checks_lab.shared_servers import SharedServers


@dataclass
class ProviderBehaviour(HttpBehaviour):
    key: str = ""  # the bearer token that callers must send; blank: not checked
    refusals: int = 0  # this many further requests are refused with 429
    retry_after_s: float | None = 1.0  # Retry-After of the refusal; None: no header


class Provider:
    """One provider's API behind its own TLS front, with its own name in the zone."""

    def __init__(self, shared: SharedServers, name: str, behaviour: Any) -> None:
        self._shared = shared
        self.name = name
        self.host = f"{name}.lab.test"
        self.behaviour = behaviour
        self.clock = clock_of(lambda: self.behaviour)
        self.http = HttpServer()
        self.front = Front(self.http.port, shared.authority.context)
        self.front.behaviour.chain = ChainPlan(names=(self.host,))
        self.recorder: Recorder | None = None

    @property
    def components(self) -> list[Component]:
        return [self.front, self]

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.front.port}"

    async def start(self, app: ASGIApp) -> None:
        from runbook_checks_lab.servers.recorder import Recorder

        self._shared.dns.behaviour.records[(self.host, "A")] = ["127.0.0.1"]
        self.recorder = Recorder(app, self, health=())
        await self.http.start(self.recorder)

    async def settle(self) -> None:
        """Responses are made from the behaviour when requested, so there is nothing to do."""

    async def stop(self) -> None:
        await self.http.stop()
        await self.front.stop()

    def is_known(self, request: Request) -> bool:
        return not self.behaviour.key or request.headers.get("authorization", "") == f"Bearer {self.behaviour.key}"

    def limit(self) -> dict[str, str] | None:
        """Return the headers of a refusal, as long as refusals remain."""
        if self.behaviour.refusals <= 0:
            return None
        self.behaviour.refusals -= 1
        after = self.behaviour.retry_after_s
        return {} if after is None else {"retry-after": f"{after:g}"}
