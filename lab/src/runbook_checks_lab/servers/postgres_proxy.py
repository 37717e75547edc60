"""A proxy before PostgreSQL that refuses, stays silent, requires TLS, or reports a server that is starting."""

from __future__ import annotations

import asyncio
import copy
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.listener import Door, Listener
from runbook_checks_lab.servers.streams import relay, streams_of

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
FOREVER_S = 3600.0


@dataclass
class ProxyBehaviour:
    door: Door = "open"
    is_starting_up: bool = False
    silent_for: str = ""  # a role whose connection is accepted and gets no response
    tls_only_for: str = ""  # a role that must use TLS, as with a hostssl line in pg_hba.conf
    chain: ChainPlan = field(default_factory=lambda: ChainPlan(names=("db.lab.test",)))


class PostgresProxy:
    """Reads the start-up packet, then passes bytes through; protocol: PostgreSQL documentation, 'Message Flow'."""

    def __init__(self, target_port: Callable[[], int], tls: Callable[[ChainPlan], ssl.SSLContext]) -> None:
        self.behaviour = ProxyBehaviour()
        self._target_port = target_port
        self._tls = tls
        self._listener = Listener(self._handle)
        self._settled: ProxyBehaviour | None = None

    @property
    def port(self) -> int:
        return self._listener.port

    async def settle(self) -> None:
        before, self._settled = self._settled, copy.deepcopy(self.behaviour)
        if before == self.behaviour:
            return
        if self.behaviour.door != "open" or self.behaviour.is_starting_up:
            await self._listener.cut()
        await self._listener.set_door(self.behaviour.door)

    async def stop(self) -> None:
        await self._listener.stop()

    async def _handle(self, caller: socket.socket) -> None:
        packet = await _packet(caller)
        has_tls = False
        while _code(packet) in (SSL_REQUEST, GSS_REQUEST):
            has_tls = _code(packet) == SSL_REQUEST and bool(self.behaviour.tls_only_for)
            await asyncio.get_running_loop().sock_sendall(caller, b"S" if has_tls else b"N")
            if has_tls:
                break
            packet = await _packet(caller)
        await (self._behind_tls(caller) if has_tls else self._in_plain(caller, packet))

    async def _behind_tls(self, caller: socket.socket) -> None:
        near = await streams_of(caller, self._tls(self.behaviour.chain))
        await relay(near, await asyncio.open_connection("127.0.0.1", self._target_port()))

    async def _in_plain(self, caller: socket.socket, packet: bytes) -> None:
        if _parameters(packet).get("user") == self.behaviour.silent_for:
            await asyncio.sleep(FOREVER_S)
        if refusal := self._refusal(_parameters(packet)):
            await asyncio.get_running_loop().sock_sendall(caller, refusal)
            return
        far = await asyncio.open_connection("127.0.0.1", self._target_port())
        far[1].write(packet)
        await relay(await streams_of(caller), far)

    def _refusal(self, asked: dict[str, str]) -> bytes:
        if not asked:  # a cancel request
            return b""
        if self.behaviour.is_starting_up:
            return _fatal("57P03", "the database system is starting up")
        user, database = asked.get("user", ""), asked.get("database", asked.get("user", ""))
        if user == self.behaviour.tls_only_for:
            where = f'host "127.0.0.1", user "{user}", database "{database}", no encryption'
            return _fatal("28000", f"no pg_hba.conf entry for {where}")
        return b""


async def _packet(caller: socket.socket) -> bytes:
    head = await _exactly(caller, 4)
    return head + await _exactly(caller, max(0, min(int.from_bytes(head, "big"), 10_000) - 4))


async def _exactly(caller: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await asyncio.get_running_loop().sock_recv(caller, size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _code(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


def _parameters(packet: bytes) -> dict[str, str]:
    fields = packet[8:].decode(errors="replace").split("\0") if _code(packet) >> 16 == 3 else []
    return dict(zip(fields[0::2], fields[1::2], strict=False))


def _fatal(sqlstate: str, message: str) -> bytes:
    body = f"SFATAL\0VFATAL\0C{sqlstate}\0M{message}\0\0".encode()
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body
