"""Read the state of a Redis with PING and INFO, over one bounded connection."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from runbook_checks.inputs import address
from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.net.connect import connect, join
from runbook_checks.probes.net.tls_context import context
from runbook_checks.probes.redis.resp import Refused, Wire
from runbook_checks.probes.sql.dsn_parameters import shown, unsupported

RESOURCE = "redis"
PORT = 6379
PLAIN, WITH_TLS = ("redis", "valkey"), ("rediss", "valkeys")
# Settings of a client's pool and of its answers, which PING and INFO do not depend on.
_WITHOUT_EFFECT = (
    "db protocol timeout socket_timeout socket_connect_timeout connect_timeout read_timeout write_timeout dial_timeout "
    "socket_keepalive health_check_interval retry_on_timeout max_connections connection_limit pool_size encoding "
    "decode_responses client_name name family"
)
WITHOUT_EFFECT = frozenset(_WITHOUT_EFFECT.split())
# The beginning of an error reply (Redis documentation, "RESP errors"), and its kind.
KINDS = {
    "WRONGPASS": "authentication-failed",
    "NOAUTH": "authentication-failed",
    "NOPERM": "no-privilege",
    "LOADING": "starting-up",
    "ERR max number of clients reached": "too-many-clients",
    "ERR AUTH": "authentication-failed",  # a password, where the server has none
}


@dataclass(frozen=True)
class Facts:
    """The facts of INFO. Memory in bytes; a maxmemory of 0 means no limit."""

    used_memory: int
    max_memory: int
    policy: str  # noeviction, allkeys-lru, ...
    role: str  # master or slave
    is_read_only: bool  # a replica that takes no writes
    refusal: str | None  # why writes are refused since the disk takes none
    clients: int
    max_clients: int
    rejected: int  # connections refused for want of room, since the start
    uptime_s: int


class Redis:
    """A server by its URL. A password goes over TLS, to this machine, or where `clear_text` (hosts, networks) says so.

    NoReading kinds: dsn-malformed, dsn-unsupported; name-not-resolved, connection-refused, connect-timeout,
    read-timeout, tls-failed, connection-reset, malformed-answer; authentication-failed, no-privilege,
    too-many-clients, starting-up, refused; clear-text-refused.
    """

    def __init__(
        self, url: str, *, timeout_s: float, resolver: str | None, ca_file: str | None, clear_text: tuple[str, ...] = ()
    ) -> None:
        self._timeout_s, self._resolver, self._ca_file = timeout_s, resolver, ca_file
        self._clear_text = clear_text
        parts = _parts(url)
        self.host, self.port = parts.host, parts.port or PORT
        self.user, self._password = parts.user, parts.password
        self._has_tls = parts.scheme in WITH_TLS

    @property
    def place(self) -> str:
        return join(self.host, self.port)

    def look(self) -> Facts:
        """One connection: log in, PING, INFO."""
        deadline = within(self._timeout_s)
        with reading(f"PING and INFO of {self.place}") as facts:
            tls = self._tls()
            made = connect(
                self.host,
                self.port,
                resolver=self._resolver,
                deadline=deadline,
                connect_timeout_s=self._timeout_s,
                resource=RESOURCE,
                guard=self._guard,
            )
            wire = Wire(made.sock, self.place, deadline, RESOURCE)
            with deadline.watch(made.sock), closing(wire):
                if tls is not None:
                    wire.wrap(tls, self.host)
                refusal, info = self._ask(wire)
            facts.update(peer=made.peer, connect_ms=made.connect_ms, role=info.get("role"))
            return self._facts(refusal, info)

    def _tls(self) -> ssl.SSLContext | None:
        return context(RESOURCE, self._ca_file) if self._has_tls else None

    def _guard(self, ip: str) -> None:
        """NoReading if the password would be sent to another machine without TLS."""
        if self._has_tls or not self._password or address.may_hear(ip, self.host, self._clear_text):
            return
        reason = f"{self.place} is another machine, and the password would go there in clear text: {address.WAYS_ON}"
        raise NoReading(RESOURCE, reason.format(tls="rediss://"), kind="clear-text-refused", evidence=self.evidence())

    def _ask(self, wire: Wire) -> tuple[str | None, dict[str, str]]:
        """Why writes are refused, and what INFO says."""
        try:
            if self._password:
                wire.ask("AUTH", *([self.user] if self.user else []), self._password)
            refusal = self._ping(wire)
            info = wire.ask("INFO")
        except Refused as refused:
            kind = next((kind for words, kind in KINDS.items() if refused.text.startswith(words)), "refused")
            raise NoReading(
                RESOURCE,
                f"{self.place} refuses {refused.command}: {refused.text}",
                kind=kind,
                evidence=self.evidence(),
            ) from None
        if not isinstance(info, bytes):
            raise self._malformed("the answer to INFO is not text")
        lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
        return refusal, {name: value.strip() for name, colon, value in lines if colon}

    def _ping(self, wire: Wire) -> str | None:
        """A master that can save neither snapshots nor its log refuses PING like a write, and answers INFO."""
        try:
            pong = wire.ask("PING")
        except Refused as refused:
            if not refused.text.startswith("MISCONF"):
                raise
            return refused.text.removeprefix("MISCONF ")
        if pong != b"PONG":
            raise self._malformed("the answer to PING is not PONG")
        return None

    def _facts(self, refusal: str | None, info: Mapping[str, str]) -> Facts:
        def number(name: str) -> int:
            try:
                return int(info[name])
            except (KeyError, ValueError):
                raise self._malformed(f"INFO has no {name}") from None

        def text(name: str) -> str:
            if not info.get(name):
                raise self._malformed(f"INFO has no {name}")
            return info[name]

        role = text("role")
        return Facts(
            used_memory=number("used_memory"),
            max_memory=number("maxmemory"),
            policy=text("maxmemory_policy"),
            role=role,
            is_read_only=role == "slave" and number("slave_read_only") == 1,
            refusal=refusal,
            clients=number("connected_clients"),
            max_clients=number("maxclients"),
            rejected=number("rejected_connections"),
            uptime_s=number("uptime_in_seconds"),
        )

    def evidence(self) -> dict[str, Any]:
        return {"host": self.host, "port": self.port, "place": self.place, "user": self.user or "default"}

    def _malformed(self, what: str) -> NoReading:
        return NoReading(RESOURCE, f"{self.place}: {what}", kind="malformed-answer", evidence=self.evidence())


def _parts(url: str) -> address.Address:
    try:
        parts = address.split(url)
        if parts.scheme not in PLAIN + WITH_TLS:
            raise address.Malformed("it is not a redis:// or rediss:// URL")
    except address.Malformed as error:
        raise NoReading(RESOURCE, f"the address can't be understood: {error}", kind="dsn-malformed") from None
    names = [unquote(part.partition("=")[0]) for part in parts.query.split("&") if part]
    for name in names:
        if name not in WITHOUT_EFFECT:
            hint = "the server's certificate is verified, against ca_file where one is given" if "ssl" in name else None
            raise unsupported(RESOURCE, shown(name, names, ()), hint)
    return parts
