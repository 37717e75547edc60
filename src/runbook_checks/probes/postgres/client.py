"""Read rows from a PostgreSQL database, or report why they cannot be read."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import psycopg

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.connect import join
from runbook_checks.probes.postgres.connect import Settings, connect
from runbook_checks.probes.postgres.dsn import parse
from runbook_checks.probes.postgres.errors import kind_on_query, masked, missing_grant, own_limit
from runbook_checks.probes.sql.database import Params, Rows, SqlDatabase, server_limit_s
from runbook_checks.probes.sql.pool import OWN_LIMIT, Room

Session = psycopg.Connection[dict[str, Any]]

MAX_ROWS = 10_000
BATCH = 100
LOCK_TIMEOUT_S = 2.0
# A role's limit counts its sessions in every database; numbackends is open to every role; reserved_connections came
# with PostgreSQL 16.
ROOM = """
    SELECT (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user AND rolconnlimit >= 0) AS role,
           least(
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0)
               - (SELECT sum(numbackends) FROM pg_stat_database)::int,
               (SELECT datconnlimit - numbackends FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid
                WHERE d.datname = current_database() AND datconnlimit >= 0)
           ) AS free
"""


class Postgres(SqlDatabase):
    """One database, read through a role that may only read.

    Every query runs in BEGIN READ ONLY with SET LOCAL statement and lock time-outs.

    dsn       postgresql:// URL or key=value; nothing is taken from PG* variables, ~/.pgpass,
              ~/.pg_service.conf or ~/.postgresql
    ca_file   the authority the server's certificate must come from: TLS with verify-full, unless the DSN
              names another sslmode
    resolver  "address[:port]" of a name server

    NoReading kinds on connect: name-not-resolved connection-refused connect-timeout
    authentication-failed database-missing too-many-connections tls-required host-not-allowed starting-up
    tls-failed dsn-malformed connection-lost no-privilege malformed-answer, None (the server's own words);
    ca-file-unreadable. On queries: no-privilege undefined-table statement-timeout lock-timeout
    connection-lost sql-error too-many-rows; pool-busy where no connection came free in time.
    evidence: host, port, database, user, peer, sqlstate.
    """

    _settings: Settings

    def __init__(self, dsn: str, *, resource: str = "postgres", **more: Any) -> None:
        super().__init__(dsn, resource=resource, **more)

    def _parse(self) -> tuple[Hashable, str, str]:
        dsn = parse(self._dsn, self.resource, self._ca_file)
        self._settings = Settings(dsn, self.resource, self._resolver, self._connect_timeout_s)
        return ("postgres", dsn.places, dsn.user), dsn.database, dsn.user

    def _connect(self, deadline: Deadline, role_limit: int | None) -> Session:
        return connect(replace(self._settings, role_limit=role_limit), deadline)

    def _limits(self, connection: Session, patience: Deadline) -> Room:
        return _Turn(connection, self._settings, patience, self._comment).room()

    def _rows(self, connection: Session, sql: str, params: Params, patience: Deadline) -> Rows:
        return _Turn(connection, self._settings, patience, self._comment).rows(sql, params)


class _Turn:
    """One statement in its own read-only transaction."""

    def __init__(self, connection: Session, settings: Settings, deadline: Deadline, comment: str) -> None:
        self._connection, self._settings, self._deadline = connection, settings, deadline
        self._started = time.monotonic()
        # A closed connection no longer has them.
        pgconn = connection.pgconn
        self._host, self._port, self._address = pgconn.host.decode(), int(pgconn.port), pgconn.hostaddr.decode()
        limit_s = server_limit_s(deadline)
        # Poolers refuse these as startup parameters; SET LOCAL ends with the transaction.
        self._begin = (
            f"BEGIN READ ONLY{comment}; "
            f"SET LOCAL statement_timeout = {_ms(limit_s)}; "
            f"SET LOCAL lock_timeout = {_ms(min(LOCK_TIMEOUT_S, limit_s / 2))}"
        )

    def rows(self, sql: str, params: Any) -> Rows:
        with self._translating(), self._deadline.watch(self._connection):
            self._connection.execute(self._begin.encode())
            try:
                return self._fetch(sql, params)
            finally:
                self._roll_back()

    def room(self) -> Room:
        """The server's limits, in one exchange. An unexpected answer counts as no limits."""
        row: dict[str, Any] = {}
        with self._translating(), self._deadline.watch(self._connection):
            try:
                cursor = self._connection.execute(f"{self._begin}; {ROOM}; ROLLBACK".encode())
            except BaseException:
                self._roll_back()
                raise
            while cursor.nextset():
                row = (cursor.fetchone() if cursor.description else None) or row
        role, free = (row.get(name) for name in ("role", "free"))
        return Room(*[value if isinstance(value, int) else None for value in (role, free)])

    def _roll_back(self) -> None:
        if not self._connection.closed:
            self._connection.execute("ROLLBACK")

    def _fetch(self, sql: str, params: Any) -> Rows:
        """Read row by row, up to our limit; the extended protocol accepts one statement only."""
        found: Rows = []
        with self._connection.cursor() as cursor:
            for row in cursor.stream(sql.encode(), params, size=BATCH):
                found.append(row)
                if len(found) > MAX_ROWS:
                    self._connection.pgconn.finish()
                    raise self._gone("too-many-rows", f"the query gives more than {MAX_ROWS} rows")
        return found

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._reason(error) from None
        except (UnicodeError, ValueError, OverflowError) as error:
            self._hang_up()
            raise self._gone("sql-error", f"a value can't be read ({type(error).__name__})") from None

    def _reason(self, error: psycopg.Error) -> NoReading:
        is_operational = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        is_lost = self._connection.closed or (error.sqlstate is None and is_operational)
        words = masked(error.diag.message_primary or type(error).__name__, self._settings.dsn.password)
        kind = kind_on_query(error.sqlstate, words)
        kind = "connection-lost" if is_lost and kind != OWN_LIMIT else kind
        if self._deadline.expired:
            waited = time.monotonic() - self._started
            gone = self._gone("connection-lost", f"no answer to the query within {waited:.1f} s")
        elif error.sqlstate is None and is_lost:
            gone = self._gone(kind, "the connection was closed during the query")
        elif error.sqlstate is None:
            gone = self._gone(kind, f"a value can't be read or sent ({type(error).__name__})")
        elif kind == OWN_LIMIT:
            gone = self._gone(kind, own_limit(words, self._settings.dsn.user, None))
        else:
            user = self._settings.dsn.user
            grant = missing_grant(words, user)
            gone = self._gone(
                kind, f"{user} could not read it: {words}" + (f"; as its owner: {grant}" if grant else "")
            )
            gone.evidence["sqlstate"] = error.sqlstate
        if error.sqlstate is None or kind in ("connection-lost", OWN_LIMIT):
            self._hang_up()
        return gone

    def _hang_up(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def _gone(self, kind: str, reason: str) -> NoReading:
        dsn, host, port = self._settings.dsn, self._host, self._port
        evidence = {"host": host, "port": port, "database": dsn.database, "user": dsn.user}
        evidence |= {"peer": join(self._address, port)} if self._address else {}
        where = join(host, port) if host else "the local socket"
        return NoReading(self._settings.resource, f"{where}/{dsn.database}: {reason}", kind=kind, evidence=evidence)


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
