"""nginx in front of the front end and the back end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from runbook_checks_lab.aura_flow.names import HOST, PLANS
from runbook_checks_lab.servers.certificates import ANY_KEY, ChainPlan
from runbook_checks_lab.servers.nginx import Nginx
from runbook_checks_lab.servers.request_log import LogOf

LIMITED = PLANS
UNUSED_PORT = 9  # the discard service, which hardly any machine runs
PASSED_ON = ("/api/", "= /health", "/monitoring/")


@dataclass
class ProxyBehaviour:
    is_down: bool = False
    knows_backend: bool = True
    redirects: bool = True
    redirect: str = "301 https"  # status and scheme
    max_body: str = "11m"
    answers_missing_with_index: bool = False  # `try_files ... /index.html` for assets too
    rates: dict[str, str] = field(default_factory=dict)  # path: limit_rate
    more: str = ""  # additional locations
    limit: str = ""  # limit_req of LIMITED, which accepts 40 requests a second


class Proxy:
    """A component: nginx, configured by its behaviour, with the certificates of the front's behaviour."""

    def __init__(
        self, folder: Path, root: Path, backend_port: int, chain: Callable[[], tuple[ChainPlan, Path]]
    ) -> None:
        self.behaviour = ProxyBehaviour()
        self.front_port = 0  # where callers reach it, for redirects
        self._root, self._backend_port, self._chain = root, backend_port, chain
        self._nginx = Nginx(folder, self._servers)
        self.log = LogOf("nginx", folder / "access.log")
        self.port, self.plain_port = self._nginx.port(), self._nginx.port()

    async def settle(self) -> None:
        await self._nginx.settle()

    async def stop(self) -> None:
        await self._nginx.stop()

    def _servers(self) -> str | None:
        behaviour = self.behaviour
        if behaviour.is_down:
            return None
        leads = f"return {behaviour.redirect}://$host:{self.front_port}$request_uri;"
        plain = leads if behaviour.redirects else self._locations()
        plan, file = self._chain()
        weak = f"ssl_ciphers {ANY_KEY};" if plan.key == "RSA 1024" else ""
        return f"""
  limit_req_zone $server_name zone=limited:1m rate=40r/s;
  server {{ listen 127.0.0.1:{self.plain_port} reuseport; server_name {HOST}; {plain} }}
  server {{
    listen 127.0.0.1:{self.port} ssl reuseport; server_name {HOST};
    ssl_certificate {file}; ssl_certificate_key {file}; {weak}
    {self._locations()}
  }}
"""

    def _locations(self) -> str:
        port = self._backend_port if self.behaviour.knows_backend else UNUSED_PORT
        passing = f"proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; proxy_set_header Host $http_host;"
        otherwise = "/index.html" if self.behaviour.answers_missing_with_index else "=404"
        slow = [f"location = /{path} {{ limit_rate {rate}; }}" for path, rate in self.behaviour.rates.items()]
        passed_on = [f"location {where} {{ {passing} }}" for where in PASSED_ON]
        if self.behaviour.limit:
            passed_on.append(f"location = {LIMITED} {{ limit_req zone=limited {self.behaviour.limit}; {passing} }}")
        return "\n    ".join(
            [
                f"root {self._root}; client_max_body_size {self.behaviour.max_body};",
                *slow,
                self.behaviour.more,
                *passed_on,
                f"location /assets/ {{ try_files $uri {otherwise}; add_header Cache-Control 'max-age=31536000'; }}",
                "location / { try_files $uri $uri/ /index.html; add_header Cache-Control no-cache; }",
            ]
        )
