"""Decide how to log in to a PostgreSQL server: never with the password in clear text to an unverified server.

Without TLS we also look at the bytes that wait on the socket before libpq reads them, for libpq drops the sqlstate of
a refused connection, and it hashes a password as often as the server asks: two billion rounds take many minutes, which
no deadline interrupts. psycopg offers nothing against either.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-REQUIRE-AUTH
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from psycopg import pq

from runbook_checks.inputs.address import is_loopback
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.connect import join
from runbook_checks.probes.postgres.dsn import Dsn, Place

REFUSED = "clear-text-refused"
UNDECIDED = "tls-undecided"
# `none`: the server asks for no password, or accepts the client's certificate.
METHODS = ("scram-sha-256", "md5", "none")
CLEAR = "password"
FIRST_WITH_REQUIRE_AUTH = 160000
SASL_CONTINUE = 11
MAX_ROUNDS = 1_000_000  # PostgreSQL's default is 4096 (scram_iterations); a million take about a second
WANTS_CLEAR_TEXT = (
    "asks for the password in clear text, which is sent over verified TLS only: write sslmode=verify-full, or let the "
    "server ask for scram-sha-256"
)


@dataclass(frozen=True)
class Login:
    """One server of a DSN, at one of its addresses (None: over a Unix socket)."""

    dsn: Dsn
    place: Place
    address: str | None

    @property
    def may_be_clear(self) -> bool:
        return self.dsn.is_verified or self.place.is_local

    @property
    def options(self) -> dict[str, str]:
        """Options for libpq beside those of the DSN."""
        if not _knows_require_auth():
            return {}
        methods = (*METHODS, CLEAR) if self.may_be_clear else METHODS
        said = [word for word in self.dsn.options.get("require_auth", "").split(",") if word]
        chosen = [method for method in methods if _is_allowed(method, said)]
        return {"require_auth": ",".join(chosen or METHODS[-1:])}

    def refused_at(self, where: str) -> tuple[str, str] | None:
        """Kind and reason if no connection may be made."""
        if not self.dsn.is_decided and self.address is not None and not is_loopback(self.address):
            return UNDECIDED, (
                f"{where} is another machine, and the DSN does not say whether to use TLS: add sslmode=verify-full, "
                "or sslmode=disable where the network is trusted"
            )
        if self.dsn.password and not self.may_be_clear and not _knows_require_auth():
            return REFUSED, (
                f"{where}: the libpq that is loaded would send the password in clear text to any server that asks "
                "for it; use libpq 16 or newer, or write sslmode=verify-full"
            )
        return None


def for_programs(dsn: Dsn, resource: str) -> dict[str, str]:
    """A DSN in libpq's keywords, for programs such as pg_dump that choose the server themselves."""
    for place in dsn.places:
        at = place.address or place.host
        login = Login(dsn, place, None if place.is_local else "127.0.0.1" if at == "localhost" else at)
        if refused := login.refused_at(join(place.host, place.port)):
            raise NoReading(resource, refused[1], kind=refused[0])
    several = {
        "host": ",".join(place.host for place in dsn.places),
        "hostaddr": ",".join(place.address or "" for place in dsn.places),
        "port": ",".join(str(place.port) for place in dsn.places),
    }
    strictest = min((Login(dsn, place, "") for place in dsn.places), key=lambda login: login.may_be_clear)
    return {**dsn.options, **{name: value for name, value in several.items() if value.strip(",")}, **strictest.options}


def _is_allowed(method: str, said: list[str]) -> bool:
    """By the DSN's own require_auth: methods that may be, or with `!` methods that may not."""
    if said and all(word.startswith("!") for word in said):
        return f"!{method}" not in said
    return not said or method in said


def _knows_require_auth() -> bool:
    return pq.version() >= FIRST_WITH_REQUIRE_AUTH


def waiting(descriptor: int) -> bytes:
    """The bytes that can be read without waiting; they stay on the socket."""
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
    """The iteration count that the server asks for (RFC 5802, 5.1: i=); 0 if it does not ask."""
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
