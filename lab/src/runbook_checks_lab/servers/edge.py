"""A TLS server for many domains at one address, with a certificate for each (SNI)."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runbook_checks_lab.servers import request_log
from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.listener import Door, Listener
from runbook_checks_lab.servers.streams import abort, streams_of

REASONS = {200: "OK", 404: "Not Found", 502: "Bad Gateway"}
PATIENCE_S = 10.0
MAX_HEAD = 16384


@dataclass
class EdgeBehaviour:
    door: Door = "open"
    chains: dict[str, ChainPlan] = field(default_factory=dict)  # by domain; other domains get the default
    without_certificate: set[str] = field(default_factory=set)  # their handshakes are refused
    silent: set[str] = field(default_factory=set)  # their requests get no response
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)  # in place of the application's page


class Edge:
    """Terminates TLS for every known domain and serves the application's page."""

    def __init__(self, tls: Callable[[ChainPlan], ssl.SSLContext], default: str) -> None:
        self.behaviour = EdgeBehaviour()
        self.default = default
        self._tls = tls
        self._listener = Listener(self._handle)
        self._settled: Door | None = None

    @property
    def port(self) -> int:
        return self._listener.port

    async def settle(self) -> None:
        if self.behaviour.door != self._settled:
            self._settled = copy.copy(self.behaviour.door)
            await self._listener.cut()
            await self._listener.set_door(self.behaviour.door)

    async def stop(self) -> None:
        await self._listener.stop()

    async def _handle(self, caller: socket.socket) -> None:
        reader, writer = await streams_of(caller, self._by_name())
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
            host = _host(head)
            request_log.record("edge", " ".join(head.decode("latin-1").split()[:2]))
            if host in self.behaviour.silent:
                await asyncio.sleep(PATIENCE_S * 6)
            writer.write(_response(*self.behaviour.answers.get(host, (200, f"<h1>{host}</h1>"))))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        finally:
            abort(writer)

    def _by_name(self) -> ssl.SSLContext:
        """Return a context that switches to the requested name's context (RFC 6066, 3)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

        def choose(connection: Any, name: str | None, _: ssl.SSLContext) -> int | None:
            if name in self.behaviour.without_certificate:
                return int(ssl.AlertDescription.ALERT_DESCRIPTION_HANDSHAKE_FAILURE)
            plan = self.behaviour.chains.get(name or "", ChainPlan(names=(self.default,)))
            connection.context = self._tls(plan)
            return None

        context.sni_callback = choose
        if any(plan.key != "EC 256" for plan in self.behaviour.chains.values()):
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL otherwise refuses a short key
        return context


def _host(head: bytes) -> str:
    for line in head.lower().split(b"\r\n")[1:]:
        if line.startswith(b"host:"):
            return line[5:].strip().decode("latin-1").partition(":")[0]
    return ""


def _response(status: int, body: Any) -> bytes:
    is_page = isinstance(body, str)
    data = body.encode() if is_page else json.dumps(body).encode()
    kind = "text/html; charset=utf-8" if is_page else "application/json"
    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + data
