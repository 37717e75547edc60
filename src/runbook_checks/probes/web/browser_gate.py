"""A SOCKS5 proxy (RFC 1928) for a browser that connects to allowed addresses only.

The browser reaches the page's own host directly, and every other host through this proxy, by name. The proxy resolves
the name, judges the address, and connects to the address that it judged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.connect import REFUSED as CONNECTION_REFUSED
from runbook_checks.probes.net.connect import connect
from runbook_checks.probes.net.far_ends import REFUSED

if TYPE_CHECKING:
    import socket

    from runbook_checks.probes.net.far_ends import FarEnds

CONNECT_S = 10.0
CHUNK = 64 * 1024
MAX_HOSTS = 100
NAME, IPV4, IPV6 = 3, 1, 4
NOT_ALLOWED, UNREACHABLE = 2, 4
# Chromium's errors for connections that it makes itself.
ERRORS = {"name-not-resolved": "NAME_NOT_RESOLVED", CONNECTION_REFUSED: "CONNECTION_REFUSED"}


class Gate:
    """The proxy of one browser."""

    def __init__(self, far_ends: FarEnds, resolver: str | None) -> None:
        self._far_ends, self._resolver = far_ends, resolver
        self.refused: dict[str, str] = {}
        """Why a host was refused."""
        self.failed: dict[str, str] = {}
        """Chromium's error for a host that was not reached."""

    async def start(self) -> int:
        """The port on loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def console_error(self, error: str, host: str) -> str | None:
        """An error of the console in Chromium's words for a direct connection; None if the gate refused the host."""
        if "ERR_SOCKS_CONNECTION" not in error:
            return error
        if host in self.refused:
            return None
        known = self.failed.get(host, "CONNECTION_FAILED")
        return error.replace("SOCKS_CONNECTION_HOST_UNREACHABLE", known).replace("SOCKS_CONNECTION_FAILED", known)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            async with asyncio.timeout(2 * CONNECT_S):
                host, port = await _requested(reader, writer)
                sock = await asyncio.to_thread(self._dialled, host, port)
                writer.write(_reply(0 if sock else NOT_ALLOWED if host in self.refused else UNREACHABLE))
                await writer.drain()
            if sock is not None:
                await _relay(reader, writer, sock)
        writer.close()

    def _dialled(self, host: str, port: int) -> socket.socket | None:
        try:
            made = connect(
                host,
                port,
                resolver=self._resolver,
                deadline=Deadline(CONNECT_S),
                connect_timeout_s=CONNECT_S,
                resource="browser",
                far_ends=self._far_ends,
            )
        except NoReading as gone:
            self._note(host, gone)
            return None
        return made.sock

    def _note(self, host: str, gone: NoReading) -> None:
        is_refused = gone.kind == REFUSED
        kept = self.refused if is_refused else self.failed
        if len(kept) < MAX_HOSTS:
            kept[host] = gone.reason if is_refused else ERRORS.get(gone.kind or "", "CONNECTION_TIMED_OUT")


async def _requested(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Host and port of a CONNECT, without a login (RFC 1928, 3 and 4)."""
    version, methods = struct.unpack("!BB", await reader.readexactly(2))
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    version, command, _, kind = struct.unpack("!BBBB", await reader.readexactly(4))
    if (version, command) != (5, 1) or kind not in (NAME, IPV4, IPV6):
        raise ValueError("no CONNECT of SOCKS5")
    if kind == NAME:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii")
    else:
        host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == IPV4 else 16)))
    return host, struct.unpack("!H", await reader.readexactly(2))[0]


def _reply(code: int) -> bytes:
    return bytes((5, code, 0, IPV4, 0, 0, 0, 0, 0, 0))


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sock: socket.socket) -> None:
    sock.setblocking(False)
    back, forth = await asyncio.open_connection(sock=sock)
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, forth))
            both.create_task(_pump(back, writer))
    finally:
        forth.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
