"""What are the rows of one statement, read without being able to change anything?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.http.rate_limits import RATE_LIMITED
from runbook_checks.probes.mysql.dialect import dialect_of
from runbook_checks.probes.mysql.errors import kind_on_query, own_limit
from runbook_checks.probes.net.connect import join
from runbook_checks.probes.sql.room import Room

if TYPE_CHECKING:
    from runbook_checks.probes.mysql.connect import Settings
    from runbook_checks.probes.mysql.wire import Connection

MAX_ROWS = 10_000
ROOM = (
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('max_user_connections', 'max_connections')",
    "SHOW GLOBAL STATUS LIKE 'Threads_connected'",
)


class Query:
    """One statement in its own read-only transaction."""

    def __init__(self, connection: Connection, settings: Settings, timeout_s: float, mark: str) -> None:
        self._connection, self._settings, self._timeout_s = connection, settings, timeout_s
        self._mark = f" /* runbook-checks run={mark} */" if mark else ""
        self._begun = time.monotonic()

    def rows(self, sql: str, params: Any, deadline: Deadline) -> list[dict[str, Any]]:
        dialect = dialect_of(str(self._connection.server_version))  # type: ignore[attr-defined]
        session = dialect.session(self._timeout_s, self._settings.time_zone)
        with self._translating(deadline):
            for statement in (session, dialect.begin):
                self._connection.query(statement + self._mark)
            try:
                return self._fetch(sql, params)
            finally:
                if not self._connection.closed:
                    self._connection.query("ROLLBACK")

    def room(self, deadline: Deadline) -> Room:
        """What the server says of its limits. The session's max_user_connections is the account's own, 0 for none."""
        with self._translating(deadline):
            told = {
                str(row.get("Variable_name")).lower(): str(row.get("Value"))
                for statement in ROOM
                for row in self._fetch(statement, None)
            }
        role, most, used = (
            int(told[name]) if told.get(name, "").isdecimal() else None
            for name in ("max_user_connections", "max_connections", "threads_connected")
        )
        return Room(role or None, None if most is None or used is None else most - used)

    @contextmanager
    def _translating(self, deadline: Deadline) -> Iterator[None]:
        from runbook_checks.probes.mysql.wire import ServerError, TooMuch

        self._connection.begin_statement(deadline.remaining())
        try:
            with deadline.watch(self._connection):
                yield
        except TooMuch:
            raise self._gone("too-many-rows", "the answer has no end") from None
        except ServerError as error:
            raise self._told(error, deadline) from None
        except NoReading:
            raise
        except Exception as error:
            self._connection.close()
            if deadline.expired:
                raise self._too_late() from None
            raise self._gone("sql-error", f"a value can't be read or sent ({type(error).__name__})") from None

    def _fetch(self, sql: str, params: Any) -> list[dict[str, Any]]:
        """Row by row, so that the end can be ours. One statement only: the protocol's switch for several is off."""
        from pymysql.cursors import SSDictCursor

        found: list[dict[str, Any]] = []
        with self._connection.cursor(SSDictCursor) as cursor:
            cursor.execute(sql + self._mark, params)
            while row := cursor.fetchone():
                found.append(dict(row))
                if len(found) > MAX_ROWS:
                    self._connection.close()
                    raise self._gone("too-many-rows", f"the query gives more than {MAX_ROWS} rows")
        return found

    def _told(self, error: BaseException, deadline: Deadline) -> NoReading:
        from runbook_checks.probes.mysql.wire import number_and_words

        number, words = number_and_words(error)
        kind = kind_on_query(number)
        if deadline.expired or (kind == "connection-lost" and "timed out" in words):
            gone = self._too_late()
        elif kind == "connection-lost":
            gone = self._gone(kind, "the connection was closed in the middle of the query")
        else:
            password = self._settings.dsn.password
            user = self._settings.dsn.user
            told = one_line(words.replace(password, "***") if len(password) >= 4 else words, 200)
            what = own_limit(told, user, None) if kind == RATE_LIMITED else f"{user} could not read it: {told}"
            gone = self._gone(kind, what)
            gone.evidence["errno"] = number
        if gone.kind == "connection-lost":
            self._connection.close()
        return gone

    def _too_late(self) -> NoReading:
        self._connection.close()
        return self._gone("connection-lost", f"no answer to the query within {time.monotonic() - self._begun:.1f} s")

    def _gone(self, kind: str, reason: str) -> NoReading:
        dsn = self._settings.dsn
        evidence = {"host": dsn.host, "port": dsn.port, "database": dsn.database, "user": dsn.user}
        where = f"{join(dsn.host, dsn.port)}/{dsn.database}"
        return NoReading(self._settings.resource, f"{where}: {reason}", kind=kind, evidence=evidence)
