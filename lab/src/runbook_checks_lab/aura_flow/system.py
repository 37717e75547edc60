"""Start the components of Aura Flow together, and give their addresses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.backing import Backing
from runbook_checks_lab.aura_flow.names import HOST
from runbook_checks_lab.aura_flow.proxy import Proxy
from runbook_checks_lab.aura_flow.service import Service
from runbook_checks_lab.aura_flow.site import Site
from runbook_checks_lab.servers.asgi import HttpServer
from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.front import Front

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runbook_checks_lab.servers.component import Component
    from runbook_checks_lab.servers.recorder import Recorder
    from runbook_checks_lab.shared_servers import SharedServers


class AuraFlow(Backing):
    """One attribute per component; `components` are those whose behaviour a fault may change."""

    host = HOST

    def __init__(self, shared: SharedServers) -> None:
        folder = shared.run.sub("aura-flow")
        super().__init__(shared)
        self.service = Service()
        self.http = HttpServer()
        self.site = Site(folder / "dist")
        self.proxy = Proxy(shared.run.sub("aura-nginx"), self.site.folder, self.http.port, self._chain)
        self.front = Front(self.proxy.port, shared.authority.context, target_has_tls=True)
        self.plain = Front(self.proxy.plain_port)
        self.direct = Front(self.http.port)
        self.recorder: Recorder | None = None

    @property
    def components(self) -> list[Component]:
        """In the order in which a change settles: callers come last."""
        return [*self.backing_components, self.service, self.proxy, self.front, self.plain, self.direct]

    async def start(self) -> None:
        self._shared.dns.behaviour.records[(HOST, "A")] = ["127.0.0.1"]
        self.proxy.front_port = self.front.port
        self.service.behaviour.cors.origins = [self.url]
        self.site.build()
        self.front.behaviour.chain = ChainPlan(names=(HOST,))
        await asyncio.gather(asyncio.to_thread(self._chain), self._start_service(), self.start_backing())
        for part in self.components:
            await self._settled(part)

    async def _start_service(self) -> None:
        create_app = await asyncio.to_thread(_create_app)
        self.recorder = create_app(self.service)
        await self.http.start(self.recorder)

    async def _settled(self, part: Component) -> None:
        try:
            await part.settle()
        except OSError as error:
            if part is not self.proxy:
                raise
            self.missing["nginx"] = str(error)

    async def stop(self) -> None:
        await asyncio.gather(self.http.stop(), self.front.stop(), self.plain.stop(), self.direct.stop())
        await asyncio.gather(self.proxy.stop(), self.stop_backing())

    def _chain(self) -> tuple[ChainPlan, Path]:
        plan = self.front.behaviour.chain
        return plan, self._shared.authority.chain(plan)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.front.port}"

    def variables(self) -> dict[str, str]:
        return self.backing_variables() | {
            "LAB_AF_URL": self.url,
            "LAB_AF_PLAIN_URL": f"http://{HOST}:{self.plain.port}",
            "LAB_AF_DIRECT_URL": f"http://127.0.0.1:{self.direct.port}",
            "LAB_AF_VERSION": self.service.behaviour.versions[0],
            "LAB_AF_USER": self.service.synthetic.email,
            "LAB_AF_PASSWORD": self.service.synthetic.password,
            "LAB_AF_JWT_SECRET": self.service.tokens.secret,
            "LAB_AF_EXPIRED_TOKEN": self.service.expired_token(),
        }

    def healed(self) -> None:
        """Called when the last fault has been undone."""
        self.service.logins.forget()

    def requests(self) -> list[dict[str, object]]:
        return list(self.recorder.requests) if self.recorder else []

    def statements(self) -> list[dict[str, object]]:
        return [] if "postgres" in self.missing else self.postgres.statements()

    def request_log(self) -> list[dict[str, object]]:
        redis = [] if "redis" in self.missing else self.redis.request_log()
        return [*self.prometheus.queries.rows(), *self.proxy.log.rows(), *redis]

    def clear(self) -> None:
        self.prometheus.queries.clear()
        self.proxy.log.clear()
        if "redis" not in self.missing:
            self.redis.forget()
        if self.recorder:
            self.recorder.requests.clear()
        if "postgres" not in self.missing:
            self.postgres.clear_log()
        self.service.logins.forget()


def _create_app() -> Callable[[Service], Recorder]:
    """Import in a thread, because FastAPI takes a while."""
    from runbook_checks_lab.aura_flow.app import create_app

    return create_app
