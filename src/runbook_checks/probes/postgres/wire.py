"""What is waiting on a connection to PostgreSQL, before libpq reads it? (Without TLS only.)

libpq drops the sqlstate of a refused connection, and it hashes a password as often as the server asks,
holding everything up meanwhile. Looking ahead at the bytes gives the one and prevents the other.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

SASL_CONTINUE = 11
MAX_ROUNDS = 1_000_000  # PostgreSQL's default is 4096 (scram_iterations); a million take about a second


def waiting(descriptor: int) -> bytes:
    """What can be read at once, left where it is."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as twin:
        return twin.recv(8192, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return b""


def sqlstate(data: bytes) -> str | None:
    """The sqlstate of the first ErrorResponse."""
    for kind, body in _messages(data):
        if kind == b"E":
            fields = {field[:1]: field[1:] for field in body.split(b"\0") if field}
            code = fields.get(b"C", b"").decode("ascii", "replace")
            return code if re.fullmatch(r"[0-9A-Z]{5}", code) else None
    return None


def hashing_rounds(data: bytes) -> int:
    """How often the server wants the password hashed (RFC 5802, 5.1: i=), 0 where it doesn't ask."""
    for kind, body in _messages(data):
        if kind == b"R" and int.from_bytes(body[:4], "big") == SASL_CONTINUE:
            asked = re.search(rb",i=(\d+)", body)
            return int(asked.group(1)[:20]) if asked else 0
    return 0


def _messages(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while len(data) >= 5:
        size = int.from_bytes(data[1:5], "big")
        if size < 4:
            return
        yield data[:1], data[5 : 1 + size]
        data = data[1 + size :]
