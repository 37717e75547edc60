"""Does a Redis answer, and what does it say of itself? PING and INFO over one bounded connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from probes.connect import connect, join
from probes.deadline import within
from probes.journal import reading
from probes.reading import NoReading
from probes.resp import Refused, Wire

RESOURCE = "redis"
PORT = 6379
# The error that begins an answer (Redis documentation, "RESP errors"), and what kind of silence it is.
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
    """What INFO says. Memory in bytes; a maxmemory of 0 is none."""

    used_memory: int
    max_memory: int
    policy: str  # noeviction, allkeys-lru, ...
    role: str  # master or slave
    is_read_only: bool  # a replica that takes no writes
    save_failed: bool  # the last snapshot failed, and with stop-writes-on-bgsave-error writes are refused
    clients: int
    max_clients: int
    rejected: int  # connections refused for want of room, since the start
    uptime_s: int


class Redis:
    """A server by its URL.

    NoReading kinds: url-malformed; name-not-resolved, connection-refused, connect-timeout, read-timeout, tls-failed,
    connection-reset, malformed-answer; authentication-failed, no-privilege, too-many-clients, starting-up, refused.
    """

    def __init__(self, url: str, *, timeout_s: float, resolver: str | None, ca_file: str | None) -> None:
        self._timeout_s, self._resolver, self._ca_file = timeout_s, resolver, ca_file
        try:
            parts = urlsplit(url.strip())
            is_one = parts.scheme in ("redis", "rediss") and bool(parts.hostname)
            self.host, self.port = parts.hostname or "", parts.port or PORT
        except ValueError:
            is_one = False
        if not is_one:
            raise NoReading(RESOURCE, "the address is no redis:// or rediss:// URL", kind="url-malformed")
        self.user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._has_tls = parts.scheme == "rediss"

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
            )
            with made.sock, deadline.watch(made.sock), Wire(made.sock, self.place, deadline, RESOURCE) as wire:
                if tls is not None:
                    wire.wrap(tls, self.host)
                told = self._told(wire)
            facts.update(peer=made.peer, connect_ms=made.connect_ms, role=told.get("role"))
            return self._facts(told)

    def _tls(self) -> Any:
        if not self._has_tls:
            return None
        from probes.trust import context

        return context(RESOURCE, self._ca_file)

    def _told(self, wire: Wire) -> dict[str, str]:
        try:
            if self._password:
                wire.ask("AUTH", *([self.user] if self.user else []), self._password)
            pong = wire.ask("PING")
            if pong != b"PONG":
                raise self._malformed("PING is answered, but not with PONG")
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
            raise self._malformed("INFO is answered, but not with text")
        lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
        return {name: value.strip() for name, colon, value in lines if colon}

    def _facts(self, told: Mapping[str, str]) -> Facts:
        def number(name: str) -> int:
            try:
                return int(told[name])
            except (KeyError, ValueError):
                raise self._malformed(f"INFO does not tell {name}") from None

        def text(name: str) -> str:
            if not told.get(name):
                raise self._malformed(f"INFO does not tell {name}")
            return told[name]

        role = text("role")
        return Facts(
            used_memory=number("used_memory"),
            max_memory=number("maxmemory"),
            policy=text("maxmemory_policy"),
            role=role,
            is_read_only=role == "slave" and number("slave_read_only") == 1,
            save_failed=text("rdb_last_bgsave_status") != "ok",
            clients=number("connected_clients"),
            max_clients=number("maxclients"),
            rejected=number("rejected_connections"),
            uptime_s=number("uptime_in_seconds"),
        )

    def evidence(self) -> dict[str, Any]:
        return {"host": self.host, "port": self.port, "place": self.place, "user": self.user or "default"}

    def _malformed(self, what: str) -> NoReading:
        return NoReading(RESOURCE, f"{self.place}: {what}", kind="malformed-answer", evidence=self.evidence())
