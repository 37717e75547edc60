"""Read rows from a MySQL or MariaDB database, or report why they cannot be read."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pymysql.cursors import SSDictCursor

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.http.rate_limits import RATE_LIMITED
from runbook_checks.probes.mysql.connect import Settings, connect
from runbook_checks.probes.mysql.dsn import parse
from runbook_checks.probes.mysql.errors import kind_on_query, masked, own_limit
from runbook_checks.probes.mysql.wire import Connection, ServerError, TooMuch, number_and_words
from runbook_checks.probes.net.connect import join
from runbook_checks.probes.sql.database import Params, Rows, SqlDatabase, server_limit_s
from runbook_checks.probes.sql.pool import Room

MAX_ROWS = 10_000
LOCK_TIMEOUT_S = 2
ROOM = (
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('max_user_connections', 'max_connections')",
    "SHOW GLOBAL STATUS LIKE 'Threads_connected'",
)


class Mysql(SqlDatabase):
    """One database, read through an account that may only read.

    Every query runs in START TRANSACTION READ ONLY, with the server's own limits on statements and waits for locks.

    dsn        mysql://user:password@host:port/database?ssl-mode=...; nothing is taken from ~/.my.cnf
    ca_file    the authority the server's certificate must come from; certifi's without one
    resolver   "address[:port]" of a name server
    time_zone  of the session, such as "+00:00", where the tables' times are not in the server's

    Without ssl-mode the server's certificate is verified. Over a connection without TLS the password is only sent as a
    scramble; a server that asks for more is tls-required.

    NoReading kinds on connect: name-not-resolved connection-refused connect-timeout authentication-failed
    database-missing too-many-connections tls-required host-not-allowed starting-up tls-failed dsn-malformed
    connection-lost no-privilege malformed-answer, None (the server's own words); ca-file-unreadable. On queries:
    no-privilege undefined-table statement-timeout lock-timeout connection-lost sql-error too-many-rows; pool-busy
    where no connection came free in time. evidence: host, port, database, user, peer, errno.
    """

    _settings: Settings

    def __init__(self, dsn: str, *, resource: str = "mysql", time_zone: str | None = None, **more: Any) -> None:
        super().__init__(dsn, resource=resource, **more)
        self._time_zone = time_zone

    def _parse(self) -> tuple[Hashable, str, str]:
        dsn = parse(self._dsn, self.resource, self._ca_file)
        self._settings = Settings(dsn, self.resource, self._resolver, self._connect_timeout_s)
        return ("mysql", dsn.host.lower(), dsn.port, dsn.user), dsn.database, dsn.user

    def _connect(self, deadline: Deadline, role_limit: int | None) -> Connection:
        return connect(replace(self._settings, role_limit=role_limit), deadline)

    def _limits(self, connection: Connection, patience: Deadline) -> Room:
        return _Turn(connection, self._settings, patience, self._comment).room()

    def _rows(self, connection: Connection, sql: str, params: Params, patience: Deadline) -> Rows:
        session = dialect_of(connection.version).session(server_limit_s(patience), self._time_zone)
        return _Turn(connection, self._settings, patience, self._comment).rows(session, sql, params)


@dataclass(frozen=True)
class Dialect:
    """The differences between MySQL and MariaDB: the setup of a session, and where facts are found."""

    name: str
    is_mariadb: bool

    def session(self, limit_s: float, time_zone: str | None) -> str:
        """The statement that makes a session read-only and lets the server abort statements after limit_s."""
        # MySQL limits SELECT alone, in milliseconds; MariaDB every statement, in seconds with fractions.
        limit = (
            f"max_statement_time = {limit_s:.3f}" if self.is_mariadb else f"max_execution_time = {limit_s * 1000:.0f}"
        )
        zone = f", time_zone = '{time_zone}'" if time_zone else ""
        # DDL ends even a read-only transaction; after it, MariaDB goes by the session's setting alone.
        read_only = "tx_read_only = 1" if self.is_mariadb else "transaction_read_only = 1"
        return f"SET SESSION {limit}, {read_only}, lock_wait_timeout = {LOCK_TIMEOUT_S}{zone}"

    @property
    def innodb_tables(self) -> str:
        """Where all of InnoDB's tables are listed, as database/table."""
        return f"information_schema.innodb_{'sys_' if self.is_mariadb else ''}tables"


def dialect_of(server_version: str) -> Dialect:
    """MariaDB names itself in its greeting, after a 5.5.5- that old clients needed."""
    is_mariadb = "mariadb" in server_version.lower()
    return Dialect("MariaDB" if is_mariadb else "MySQL", is_mariadb)


class _Turn:
    """One statement in its own read-only transaction."""

    def __init__(self, connection: Connection, settings: Settings, deadline: Deadline, comment: str) -> None:
        self._connection, self._settings, self._deadline = connection, settings, deadline
        self._comment = comment
        self._started = time.monotonic()

    def rows(self, session: str, sql: str, params: Any) -> Rows:
        with self._translating():
            for statement in (session, "START TRANSACTION READ ONLY"):
                self._connection.query(statement + self._comment)
            try:
                return self._fetch(sql, params)
            finally:
                if not self._connection.closed:
                    self._connection.query("ROLLBACK")

    def room(self) -> Room:
        """The server's limits. The session's max_user_connections is the account's own limit, 0 for no limit."""
        with self._translating():
            limits = {
                str(row.get("Variable_name")).lower(): str(row.get("Value"))
                for statement in ROOM
                for row in self._fetch(statement, None)
            }
        role, most, used = (
            int(limits[name]) if limits.get(name, "").isdecimal() else None
            for name in ("max_user_connections", "max_connections", "threads_connected")
        )
        return Room(role or None, None if most is None or used is None else most - used)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        self._connection.begin_statement(self._deadline.remaining())
        try:
            with self._deadline.watch(self._connection):
                yield
        except TooMuch:
            raise self._gone("too-many-rows", "the answer is too large") from None
        except ServerError as error:
            raise self._reason(error) from None
        except NoReading:
            raise
        except Exception as error:
            self._connection.close()
            if self._deadline.expired:
                raise self._too_late() from None
            raise self._gone("sql-error", f"a value can't be read or sent ({type(error).__name__})") from None

    def _fetch(self, sql: str, params: Any) -> Rows:
        """Read row by row, up to our limit. One statement only: the protocol's option for several is off."""
        found: Rows = []
        with self._connection.cursor(SSDictCursor) as cursor:
            cursor.execute(sql + self._comment, params)
            while row := cursor.fetchone():
                found.append(dict(row))
                if len(found) > MAX_ROWS:
                    self._connection.close()
                    raise self._gone("too-many-rows", f"the query gives more than {MAX_ROWS} rows")
        return found

    def _reason(self, error: BaseException) -> NoReading:
        number, words = number_and_words(error)
        kind, dsn = kind_on_query(number), self._settings.dsn
        if self._deadline.expired or (kind == "connection-lost" and "timed out" in words):
            gone = self._too_late()
        elif kind == "connection-lost":
            gone = self._gone(kind, "the connection was closed during the query")
        else:
            words = one_line(masked(words, dsn.password), 200)
            what = (
                own_limit(words, dsn.user, None) if kind == RATE_LIMITED else f"{dsn.user} could not read it: {words}"
            )
            gone = self._gone(kind, what)
            gone.evidence["errno"] = number
        if gone.kind == "connection-lost":
            self._connection.close()
        return gone

    def _too_late(self) -> NoReading:
        self._connection.close()
        waited = time.monotonic() - self._started
        return self._gone("connection-lost", f"no answer to the query within {waited:.1f} s")

    def _gone(self, kind: str, reason: str) -> NoReading:
        dsn = self._settings.dsn
        evidence = {"host": dsn.host, "port": dsn.port, "database": dsn.database, "user": dsn.user}
        where = f"{join(dsn.host, dsn.port)}/{dsn.database}"
        return NoReading(self._settings.resource, f"{where}: {reason}", kind=kind, evidence=evidence)
