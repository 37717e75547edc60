"""A proxy in front of a service, and the ways in which it can fail."""

from __future__ import annotations

import asyncio
import copy
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.listener import Door, Listener
from runbook_checks_lab.servers.streams import Streams, abort, relay, reset_on_close, streams_of

REASONS = {404: "Not Found", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
FOREVER_S = 3600.0


@dataclass
class FrontBehaviour:
    door: Door = "open"
    chain: ChainPlan = field(default_factory=ChainPlan)
    handshake_delay_s: float = 0.0
    handshake_is_garbage: bool = False
    never_answers: bool = False
    resets: bool = False
    page: int | None = None  # every request gets this status with an HTML page


class Front:
    """A byte-level proxy. With a TLS context it terminates TLS; it passes everything else through unchanged.

    With `target_has_tls` the target terminates TLS itself; the proxy does so only for its own responses.
    """

    def __init__(
        self,
        target_port: int,
        tls: Callable[[ChainPlan], ssl.SSLContext] | None = None,
        *,
        target_has_tls: bool = False,
    ) -> None:
        self.behaviour = FrontBehaviour()
        self._target_has_tls = target_has_tls
        self._target_port = target_port
        self._tls = tls
        self._listener = Listener(self._handle)
        self._settled: FrontBehaviour | None = None

    @property
    def port(self) -> int:
        return self._listener.port

    async def settle(self) -> None:
        if self.behaviour != self._settled:
            self._settled = copy.deepcopy(self.behaviour)
            await self._listener.cut()
            await self._listener.set_door(self.behaviour.door)

    async def stop(self) -> None:
        await self._listener.stop()

    async def _handle(self, caller: socket.socket) -> None:
        behaviour = self.behaviour
        await asyncio.sleep(behaviour.handshake_delay_s)
        if behaviour.handshake_is_garbage:
            await _answer_in_plain(caller)
            return
        answers = behaviour.never_answers or behaviour.resets or behaviour.page is not None
        tls = self._tls if answers or not self._target_has_tls else None
        near = await streams_of(caller, tls(behaviour.chain) if tls else None)
        if behaviour.never_answers:
            await asyncio.sleep(FOREVER_S)
        elif behaviour.resets:
            await _reset_after_request(caller, near)
        elif behaviour.page:
            await _answer_page(near, behaviour.page)
        else:
            await relay(near, await asyncio.open_connection("127.0.0.1", self._target_port))


async def _answer_in_plain(caller: socket.socket) -> None:
    """Send what a plain HTTP server responds to a ClientHello."""
    loop = asyncio.get_running_loop()
    await loop.sock_recv(caller, 4096)
    await loop.sock_sendall(caller, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def _reset_after_request(caller: socket.socket, near: Streams) -> None:
    await near[0].read(1)
    reset_on_close(caller)
    abort(near[1])


async def _answer_page(near: Streams, status: int) -> None:
    reader, writer = near
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(_content_length(head))
    title = f"{status} {REASONS[status]}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>\r\n"
    writer.write(
        f"HTTP/1.1 {title}\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n"
        f"Connection: close\r\n\r\n{page}".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":", 1)[1])
    return 0
