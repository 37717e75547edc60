"""Connect to PostgreSQL, or report why the server refuses the connection."""

from __future__ import annotations

import re
import select
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq
from psycopg.pq import ConnStatus, PollingStatus
from psycopg.rows import dict_row

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.connect import join, share_of
from runbook_checks.probes.net.resolve import resolve
from runbook_checks.probes.postgres import authentication as login
from runbook_checks.probes.postgres.dsn import Dsn, Place, conninfo, forget_environment
from runbook_checks.probes.postgres.errors import decode, first_words, kind_on_connect, masked, own_limit
from runbook_checks.probes.sql.pool import OWN_LIMIT

SLICE_S = 0.05
LATER_ADDRESS_MAY_DO = ("connection-refused", "connect-timeout", "connection-lost", "malformed-answer", None)
NO_TLS = "does not support SSL|不支持 SSL"
# Refusals that a server sends only after pg_hba.conf has accepted the connection.
PAST_PG_HBA = (
    "authentication-failed",
    "database-missing",
    "too-many-connections",
    "own-connection-limit",
    "no-privilege",
    "starting-up",
)
WITHOUT_PASSWORD = {"password": ""}  # the server is not verified, and its request for a password is enough to know


@dataclass
class Settings:
    dsn: Dsn
    resource: str
    resolver: str | None
    connect_timeout_s: float
    role_limit: int | None = None  # connections the role may hold, where that is known


def connect(settings: Settings, deadline: Deadline) -> psycopg.Connection[dict[str, Any]]:
    """An autocommit connection to the first server of the DSN that accepts it, within the deadline."""
    forget_environment()
    try:
        return _connect(settings, deadline, {})
    except NoReading as gone:
        is_plain = gone.evidence.pop("encrypted", None) is False
        if gone.kind == "host-not-allowed" and is_plain and _does_tls_help(settings, deadline):
            raise _tls_required(gone) from None
        raise


def _does_tls_help(settings: Settings, deadline: Deadline) -> bool:
    """Whether pg_hba.conf rejects the missing TLS, and not the client's address."""
    try:
        _connect(settings, deadline, {"sslmode": "require", **WITHOUT_PASSWORD}).close()
    except NoReading as other:
        return other.kind in PAST_PG_HBA
    return True


def _tls_required(gone: NoReading) -> NoReading:
    where = join(gone.evidence["host"], gone.evidence["port"])
    return NoReading(
        gone.resource,
        f"{where} accepts this connection over TLS only, and the DSN does not ask for TLS",
        kind="tls-required",
        evidence={**gone.evidence, "with_tls": "accepted by pg_hba.conf"},
    )


def _connect(settings: Settings, deadline: Deadline, more: dict[str, str]) -> psycopg.Connection[dict[str, Any]]:
    targets, gone = _targets(settings, deadline)
    for number, (place, address) in enumerate(targets):
        share = share_of(deadline, len(targets) - number, settings.connect_timeout_s)
        try:
            return _Attempt(place, address, settings, more).dial(deadline.child(share))
        except NoReading as failed:
            gone = failed
            if failed.kind not in LATER_ADDRESS_MAY_DO:
                break
    assert gone is not None
    raise gone


def _targets(settings: Settings, deadline: Deadline) -> tuple[list[tuple[Place, str | None]], NoReading | None]:
    """Every address of every server of the DSN, and the last failure to resolve one."""
    targets: list[tuple[Place, str | None]] = []
    gone: NoReading | None = None
    for place in settings.dsn.places:
        try:
            targets += [(place, address) for address in _addresses(place, settings, deadline)]
        except NoReading as unknown:
            unknown.evidence |= _evidence(place, settings)
            gone = unknown
    return targets, gone


def _addresses(place: Place, settings: Settings, deadline: Deadline) -> list[str | None]:
    if place.is_local:
        return [None]
    if place.address:
        return [place.address]
    resource = settings.resource
    return [*resolve(place.host, resolver=settings.resolver, deadline=deadline, resource=resource)]


def _evidence(place: Place, settings: Settings) -> dict[str, Any]:
    dsn = settings.dsn
    return {"host": place.host, "port": place.port, "database": dsn.database, "user": dsn.user}


class _Attempt:
    """One connection attempt to one address."""

    def __init__(self, place: Place, address: str | None, settings: Settings, more: dict[str, str]) -> None:
        self._settings = settings
        self._where = join(place.host, place.port) if place.host else "the local socket"
        self._login = login.Login(settings.dsn, place, address)
        self._evidence = _evidence(place, settings)
        if address:
            self._evidence["peer"] = join(address, place.port)
        self._conninfo = conninfo(settings.dsn.options, place, address, **self._login.options, **more)
        self._sqlstate: str | None = None
        self._begun = time.monotonic()

    def dial(self, deadline: Deadline) -> psycopg.Connection[dict[str, Any]]:
        if refused := self._login.refused_at(self._where):
            raise self._gone(*refused)
        pgconn = pq.PGconn.connect_start(self._conninfo)
        try:
            self._shake_hands(pgconn, deadline)
            pgconn.nonblocking = 1
            made = psycopg.Connection(pgconn, row_factory=dict_row)
            made.autocommit = True
        except psycopg.Error:  # ready, but in an unknown state
            pgconn.finish()
            raise self._gone("malformed-answer", f"what {self._where} says is not the PostgreSQL protocol") from None
        except BaseException:
            pgconn.finish()
            raise
        made.prepare_threshold = None  # prepared statements don't survive a transaction pooler
        return made

    def _shake_hands(self, pgconn: Any, deadline: Deadline) -> None:
        step = PollingStatus.WRITING
        while step != PollingStatus.OK:
            if step == PollingStatus.FAILED or pgconn.status == ConnStatus.BAD:
                raise self._refused(pgconn)
            if not self._is_ready(pgconn, step == PollingStatus.WRITING, deadline):
                raise self._too_late(pgconn)
            # Not while connecting: reading the socket's error would hide it from libpq.
            if step == PollingStatus.READING and not pgconn.ssl_in_use:
                self._look_ahead(pgconn)
            step = pgconn.connect_poll()

    def _is_ready(self, pgconn: Any, for_writing: bool, deadline: Deadline) -> bool:
        # libpq changes sockets while it connects, so the deadline cannot watch one: short waits instead.
        poll = select.poll()
        poll.register(pgconn.socket, select.POLLOUT if for_writing else select.POLLIN)
        while not deadline.expired:
            if poll.poll(min(SLICE_S, deadline.remaining()) * 1000):
                return True
        return False

    def _look_ahead(self, pgconn: Any) -> None:
        data = login.waiting(pgconn.socket)
        self._sqlstate = login.sqlstate(data) or self._sqlstate
        rounds = login.hashing_rounds(data)
        if rounds > login.MAX_ROUNDS:
            raise self._gone("malformed-answer", f"{self._where} wants the password hashed {rounds} times")

    def _too_late(self, pgconn: Any) -> NoReading:
        waited = time.monotonic() - self._begun
        if pgconn.status == ConnStatus.STARTED:
            what = "did not answer the connection attempt"
        elif pgconn.status in (ConnStatus.AWAITING_RESPONSE, ConnStatus.SSL_STARTUP, ConnStatus.MADE):
            what = "accepted the connection but sent no greeting"
        else:
            what = "stopped responding during authentication"
        return self._gone("connect-timeout", f"{self._where} {what} within {waited:.1f} s")

    def _refused(self, pgconn: Any) -> NoReading:
        message = decode(pgconn.error_message)
        dsn = self._settings.dsn
        kind = kind_on_connect(self._sqlstate, message, dsn.user)
        if kind == "tls-failed" and re.search(NO_TLS, message):
            kind = "tls-failed" if dsn.says_mode else login.UNDECIDED
            what = " offers no TLS: turn it on there, or where the network is trusted write sslmode=disable in the DSN"
        elif kind == "connection-refused":
            what = " refused the connection"
        elif kind == OWN_LIMIT:
            what = ": " + masked(own_limit(message, dsn.user, self._settings.role_limit), dsn.password)
        elif kind == login.REFUSED:
            what = f" {login.WANTS_CLEAR_TEXT}"
        elif "no password supplied" in message:
            what = " asks for a password and the DSN has none"
        else:
            what = " refused the login: " + masked(first_words(message), dsn.password)
        gone = self._gone(kind, self._where + what)
        gone.evidence["encrypted"] = bool(pgconn.ssl_in_use) or "SSL encryption" in message
        return gone

    def _gone(self, kind: str | None, reason: str) -> NoReading:
        if self._sqlstate:
            self._evidence["sqlstate"] = self._sqlstate
        return NoReading(self._settings.resource, reason, kind=kind, evidence=self._evidence)
