"""What are the rows of one statement, read without being able to change anything?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.connect import join
from runbook_checks.probes.postgres.connect import Settings, masked
from runbook_checks.probes.postgres.errors import kind_on_query, own_limit
from runbook_checks.probes.sql.room import OWN_LIMIT, Room

if TYPE_CHECKING:
    from psycopg import Connection, Error

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


class Query:
    """One statement in its own read-only transaction."""

    def __init__(self, connection: Connection[dict[str, Any]], settings: Settings, timeout_s: float, mark: str) -> None:
        self._connection = connection
        self._settings = settings
        self._timeout_s = timeout_s
        self._mark = f" /* runbook-checks run={mark} */" if mark else ""
        self._begun = time.monotonic()
        self._far_end = _far_end(connection)

    def rows(self, sql: str, params: Any, deadline: Deadline) -> list[dict[str, Any]]:
        with self._translating(deadline), deadline.watch(self._connection):
            self._connection.execute(self._begin.encode())
            try:
                return self._fetch(sql, params)
            finally:
                self._roll_back()

    def room(self, deadline: Deadline) -> Room:
        """What the server says of its limits, in one exchange. One that speaks otherwise says nothing."""
        row: dict[str, Any] = {}
        with self._translating(deadline), deadline.watch(self._connection):
            try:
                cursor = self._connection.execute(f"{self._begin}; {ROOM}; ROLLBACK".encode())
            except BaseException:
                self._roll_back()
                raise
            while cursor.nextset():
                row = (cursor.fetchone() if cursor.description else None) or row
        role, free = (row.get(name) for name in ("role", "free"))
        return Room(*[value if isinstance(value, int) else None for value in (role, free)])

    @property
    def _begin(self) -> str:
        # Poolers refuse these as startup parameters; SET LOCAL ends with the transaction.
        return (
            f"BEGIN READ ONLY{self._mark}; "
            f"SET LOCAL statement_timeout = {self._ms(self._timeout_s)}; "
            f"SET LOCAL lock_timeout = {self._ms(min(LOCK_TIMEOUT_S, self._timeout_s / 2))}"
        )

    def _roll_back(self) -> None:
        if not self._connection.closed:
            self._connection.execute("ROLLBACK")

    @staticmethod
    def _ms(seconds: float) -> int:
        return max(1, int(seconds * 1000))

    def _fetch(self, sql: str, params: Any) -> list[dict[str, Any]]:
        """Row by row: the extended protocol it uses takes one statement only, and the end can be ours."""
        found: list[dict[str, Any]] = []
        with self._connection.cursor() as cursor:
            for row in cursor.stream(sql.encode(), params, size=BATCH):
                found.append(row)
                if len(found) > MAX_ROWS:
                    self._connection.pgconn.finish()
                    raise self._gone("too-many-rows", f"the query gives more than {MAX_ROWS} rows")
        return found

    @contextmanager
    def _translating(self, deadline: Deadline) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._told(error, deadline) from None
        except (UnicodeError, ValueError, OverflowError) as error:
            self._hang_up()
            raise self._gone("sql-error", f"a value can't be read ({type(error).__name__})") from None

    def _told(self, error: Error, deadline: Deadline) -> NoReading:
        is_lost = self._connection.closed or (error.sqlstate is None and _is_operational(error))
        words = masked(error.diag.message_primary or type(error).__name__, self._settings.dsn.password)
        kind = kind_on_query(error.sqlstate, words)
        kind = "connection-lost" if is_lost and kind != OWN_LIMIT else kind
        if deadline.expired:
            waited = time.monotonic() - self._begun
            gone = self._gone("connection-lost", f"no answer to the query within {waited:.1f} s")
        elif error.sqlstate is None and is_lost:
            gone = self._gone(kind, "the connection was closed in the middle of the query")
        elif error.sqlstate is None:
            gone = self._gone(kind, f"a value can't be read or sent ({type(error).__name__})")
        elif kind == OWN_LIMIT:
            gone = self._gone(kind, own_limit(words, self._settings.dsn.user, None))
        else:
            gone = self._gone(kind, f"{self._settings.dsn.user} could not read it: {words}")
            gone.evidence["sqlstate"] = error.sqlstate
        if error.sqlstate is None or kind in ("connection-lost", OWN_LIMIT):
            self._hang_up()
        return gone

    def _hang_up(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def _gone(self, kind: str, reason: str) -> NoReading:
        dsn = self._settings.dsn
        evidence = {**self._far_end, "database": dsn.database, "user": dsn.user}
        host = self._far_end["host"]
        where = join(host, self._far_end["port"]) if host else "the local socket"
        return NoReading(self._settings.resource, f"{where}/{dsn.database}: {reason}", kind=kind, evidence=evidence)


def _far_end(connection: Connection[dict[str, Any]]) -> dict[str, Any]:
    """Asked while the connection is open: a closed one has forgotten."""
    pgconn = connection.pgconn
    host, port, address = pgconn.host.decode(), int(pgconn.port), pgconn.hostaddr.decode()
    return {"host": host, "port": port} | ({"peer": join(address, port)} if address else {})


def _is_operational(error: Error) -> bool:
    import psycopg

    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
