"""Copy bytes between connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def streams_of(sock: socket.socket, tls: ssl.SSLContext | None = None) -> Streams:
    """Open streams on a socket. Nothing is read before the TLS handshake, so a delayed handshake loses no bytes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=tls)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def relay(near: Streams, far: Streams) -> None:
    """Copy both directions until both ends are done; cancelling closes both."""
    try:
        await asyncio.gather(_pump(near[0], far[1]), _pump(far[0], near[1]))
    finally:
        for _, writer in (near, far):
            abort(writer)


def abort(writer: asyncio.StreamWriter) -> None:
    """Close at once and discard unsent data."""
    # Before Python 3.11.4, aborting a TLS transport that has already closed raises AttributeError.
    with contextlib.suppress(AttributeError):
        writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()


def reset_on_close(sock: socket.socket) -> None:
    """Make close() send RST instead of FIN, with linger zero (socket(7))."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
