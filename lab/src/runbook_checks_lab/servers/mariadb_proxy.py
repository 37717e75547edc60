"""A proxy before MariaDB that refuses, stays silent, or reports a shutdown."""

from __future__ import annotations

import asyncio
import copy
import socket
from collections.abc import Callable
from dataclasses import dataclass

from runbook_checks_lab.servers.listener import Door, Listener
from runbook_checks_lab.servers.streams import relay, streams_of

FOREVER_S = 3600.0


@dataclass
class ProxyBehaviour:
    door: Door = "open"
    never_greets: bool = False
    refusal: tuple[int, str, str] | None = None  # error number, SQLSTATE, message: sent in place of the greeting


class MariaDbProxy:
    """In MySQL's protocol the server sends first: MySQL Internals Manual, 'Connection Phase' and 'ERR_Packet'."""

    def __init__(self, target_port: Callable[[], int]) -> None:
        self.behaviour = ProxyBehaviour()
        self._target_port = target_port
        self._listener = Listener(self._handle)
        self._settled: ProxyBehaviour | None = None

    @property
    def port(self) -> int:
        return self._listener.port

    async def settle(self) -> None:
        before, self._settled = self._settled, copy.deepcopy(self.behaviour)
        if before == self.behaviour:
            return
        await self._listener.cut()
        await self._listener.set_door(self.behaviour.door)

    async def stop(self) -> None:
        await self._listener.stop()

    async def _handle(self, caller: socket.socket) -> None:
        if self.behaviour.never_greets:
            await asyncio.sleep(FOREVER_S)
        if self.behaviour.refusal:
            await asyncio.get_running_loop().sock_sendall(caller, _refused(*self.behaviour.refusal))
            return
        far = await asyncio.open_connection("127.0.0.1", self._target_port())
        await relay(await streams_of(caller), far)


def _refused(number: int, sqlstate: str, words: str) -> bytes:
    body = b"\xff" + number.to_bytes(2, "little") + f"#{sqlstate}{words}".encode()
    return len(body).to_bytes(3, "little") + b"\0" + body
