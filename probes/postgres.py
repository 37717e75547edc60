"""What do the rows of a PostgreSQL database say, or why can't they be read?"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from probes.deadline import Deadline, within
from probes.journal import reading
from probes.pgpool import Pool
from probes.reading import NoReading, one_line
from probes.share import Shared

if TYPE_CHECKING:
    from psycopg import Connection

    from probes.pgconnect import Settings

Params = Sequence[Any] | Mapping[str, Any] | None
Rows = list[dict[str, Any]]

SERVER_FIRST_S = 0.5  # the server's own time-out comes first: it can say what took so long


class Postgres:
    """One database, looked at through a role that may only look.

    Every query runs in BEGIN READ ONLY with SET LOCAL statement and lock time-outs, as one statement, and
    ends within its deadline whatever the server does. At most `connections` at once, reused.

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

    def __init__(
        self,
        dsn: str,
        *,
        resource: str = "postgres",
        connect_timeout_s: float = 4.0,
        statement_timeout_s: float = 5.0,
        resolver: str | None = None,
        ca_file: str | None = None,
        run_id: str = "",
        connections: int = 2,
    ) -> None:
        self.resource = resource
        self._dsn = dsn
        self._connect_timeout_s = connect_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self._resolver = resolver
        self._ca_file = ca_file
        self._mark = re.sub(r"[^\w.-]", "", run_id)[:64]
        self._shared = Shared(resource)
        self._pool = Pool(connections, resource)
        self._lock = threading.Lock()
        self._settings: Settings | None = None

    def query(self, sql: str, params: Params = None, *, fresh: bool = False) -> Rows:
        """The rows of one statement, as dictionaries; read once for everybody unless fresh=True.

        params  for %s or %(name)s; without them a % is itself.
        """
        if fresh:
            return self._query(sql, params, fresh=True)
        rows = self._shared.get((sql, repr(params)), lambda: self._query(sql, params, fresh=False))
        return [dict(row) for row in rows]

    def close(self) -> None:
        """Close the connections kept open; later queries open new ones."""
        self._pool.close()

    def _query(self, sql: str, params: Params, *, fresh: bool) -> Rows:
        import psycopg  # noqa: F401 - imported before any clock runs

        with reading(f"SQL {one_line(sql, 100)}") as facts:
            deadline = within(self._connect_timeout_s + self._statement_timeout_s + 2 * SERVER_FIRST_S)
            settings = self._known()
            facts.update(database=settings.dsn.database, user=settings.dsn.user)
            begun = time.monotonic()
            rows = self._with_connection(settings, sql, params, deadline, fresh=fresh)
            facts.update(rows=len(rows), total_ms=round((time.monotonic() - begun) * 1000, 3))
            return rows

    def _known(self) -> Settings:
        from probes.dsn import parse
        from probes.pgconnect import Settings

        with self._lock:
            if self._settings is None:
                dsn = parse(self._dsn, self.resource, self._ca_file)
                self._settings = Settings(dsn, self.resource, self._resolver, self._connect_timeout_s)
            return self._settings

    def _with_connection(
        self, settings: Settings, sql: str, params: Params, deadline: Deadline, *, fresh: bool
    ) -> Rows:
        from probes.pgconnect import connect

        def dial() -> Connection[dict[str, Any]]:
            return connect(settings, deadline.child(self._connect_timeout_s))

        while True:
            with self._pool.connection(dial, deadline, fresh=fresh) as slot:
                try:
                    rows = self._read(slot.connection, settings, sql, params, deadline)
                except NoReading as gone:
                    # A kept connection that the server closed while it was idle is no fault of the server.
                    if not (slot.is_reused and gone.kind == "connection-lost" and not deadline.expired):
                        raise
                    slot.is_broken = True
                    continue
                finally:
                    slot.is_broken = slot.is_broken or slot.connection.closed or deadline.expired
                return rows

    def _read(
        self,
        connection: Connection[dict[str, Any]],
        settings: Settings,
        sql: str,
        params: Params,
        deadline: Deadline,
    ) -> Rows:
        from probes.pgquery import Query

        limit = min(self._statement_timeout_s, deadline.remaining() - SERVER_FIRST_S)
        patience = deadline.child(self._statement_timeout_s + SERVER_FIRST_S)
        return Query(connection, settings, max(0.1, limit), self._mark).rows(sql, params, patience)
