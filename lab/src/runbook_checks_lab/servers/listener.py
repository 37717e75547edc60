"""A TCP port that accepts, refuses, or does not respond."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Literal

from runbook_checks_lab.servers.sockets import bound, drop_everything

Door = Literal["open", "refused", "silent"]
Handler = Callable[[socket.socket], Awaitable[None]]


class Listener:
    """A TCP port that keeps its number while it is closed or silent, and can close accepted connections."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._keeper = bound()
        self.port: int = self._keeper.getsockname()[1]
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._callers: set[asyncio.Task[None]] = set()

    async def set_door(self, door: Door) -> None:
        await self._close()
        if door == "refused":
            return
        self._socket = bound(self.port)
        if door == "silent":
            drop_everything(self._socket)
        self._socket.listen(128)
        self._accepting = asyncio.create_task(self._accept(self._socket))

    async def cut(self) -> None:
        callers = list(self._callers)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)

    async def stop(self) -> None:
        await self._close()
        await self.cut()
        self._keeper.close()

    async def _close(self) -> None:
        if self._accepting:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        if self._socket:
            self._socket.close()
        self._accepting = self._socket = None

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            caller, _ = await loop.sock_accept(listening)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._serve(caller))
            self._callers.add(task)
            task.add_done_callback(self._callers.discard)

    async def _serve(self, caller: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError), caller:
            await self._handle(caller)
