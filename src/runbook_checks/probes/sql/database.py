"""Query a SQL database, with shared readings, pooled connections and one deadline."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from runbook_checks.probes.core.deadline import Deadline, within
from runbook_checks.probes.core.reading import NoReading, one_line, reading
from runbook_checks.probes.core.single_flight import Shared
from runbook_checks.probes.sql.pool import Pool, Pools, Room

Params = Sequence[Any] | Mapping[str, Any] | None
Rows = list[dict[str, Any]]

SERVER_FIRST_S = 0.5  # the server's own timeout comes first, because its error says what took so long


class SqlDatabase:
    """One database, read through a role that may only read. An engine's subclass connects and reads.

    Every query runs in a read-only transaction with the server's own time-outs, as one statement, and ends within
    its deadline whatever the server does.

    connections  at most so many at once; more where several databases share `pools`, the pools of one run, and
                 connect to one server as one role; never more than half of what the role may hold (probes.sql.pool)
    """

    def __init__(
        self,
        dsn: str,
        *,
        resource: str,
        connect_timeout_s: float = 4.0,
        statement_timeout_s: float = 5.0,
        resolver: str | None = None,
        ca_file: str | None = None,
        run_id: str = "",
        connections: int = 2,
        pools: Pools | None = None,
    ) -> None:
        self.resource = resource
        self.key: Hashable = (dsn, resolver, ca_file)
        self.patience: Hashable = connect_timeout_s
        self._dsn, self._resolver, self._ca_file = dsn, resolver, ca_file
        self._connect_timeout_s = connect_timeout_s
        self._statement_timeout_s = statement_timeout_s
        mark = re.sub(r"[^\w.-]", "", run_id)[:64]
        self._comment = f" /* runbook-checks run={mark} */" if mark else ""
        self._shared = Shared(resource)
        self._connections = connections
        self._pools = pools or Pools()
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._names: dict[str, str] = {}

    def query(self, sql: str, params: Params = None, *, fresh: bool = False) -> Rows:
        """The rows of one statement, as dictionaries; read once for all checks unless fresh=True.

        params  for %s or %(name)s; without them a % is itself.
        """
        if fresh:
            return self._query(sql, params, fresh=True)
        rows = self._shared.get((sql, repr(params)), lambda: self._query(sql, params, fresh=False))
        return [dict(row) for row in rows]

    def close(self) -> None:
        """Close the connections kept open; later queries open new ones."""
        if self._pool is not None:
            self._pool.close()

    def dial(self, deadline: Deadline, role_limit: int | None) -> Any:
        """A connection to the database; role_limit is what the role may hold, where that is known."""
        return self._connect(deadline.child(self._connect_timeout_s), role_limit)

    def room(self, connection: Any, deadline: Deadline) -> Room:
        """The server's connection limits; unknown ones are None."""
        try:
            return self._limits(connection, self._patience(deadline))
        except NoReading:
            if connection.closed:
                raise
            return Room()

    def _parse(self) -> tuple[Hashable, str, str]:
        """Read the DSN: the server and role that limits are counted for, the database, the role. NoReading."""
        raise NotImplementedError

    def _connect(self, deadline: Deadline, role_limit: int | None) -> Any:
        raise NotImplementedError

    def _limits(self, connection: Any, patience: Deadline) -> Room:
        raise NotImplementedError

    def _rows(self, connection: Any, sql: str, params: Params, patience: Deadline) -> Rows:
        """The rows of one statement, within `patience`; the server itself ends it after server_limit_s."""
        raise NotImplementedError

    def _query(self, sql: str, params: Params, *, fresh: bool) -> Rows:
        with reading(f"SQL {one_line(sql, 100)}") as facts:
            deadline = within(self._connect_timeout_s + self._statement_timeout_s + 2 * SERVER_FIRST_S)
            pool = self._settled()
            facts.update(self._names)
            begun = time.monotonic()
            try:
                rows = None
                while rows is None:
                    rows = self._try(pool, sql, params, deadline, facts, fresh=fresh)
            except NoReading as gone:
                if "database" in gone.evidence:  # the failure may come from another database's connection
                    gone.evidence = {**gone.evidence, "database": self._names["database"]}
                raise
            facts.update(rows=len(rows), total_ms=round((time.monotonic() - begun) * 1000, 3))
            return rows

    def _settled(self) -> Pool:
        with self._lock:
            if self._pool is None:
                server, database, user = self._parse()
                self._names = {"database": database, "user": user}
                self._pool = self._pools.of(server, self._connections, self.resource)
            return self._pool

    def _try(
        self, pool: Pool, sql: str, params: Params, deadline: Deadline, facts: dict[str, Any], *, fresh: bool
    ) -> Rows | None:
        """The rows, or None if the server closed a kept connection while it was idle."""
        with pool.connection(self, deadline, fresh=fresh) as slot:
            facts.update({"attempts": slot.attempts} if slot.attempts > 1 else {})
            try:
                return self._rows(slot.connection, sql, params, self._patience(deadline))
            except NoReading as gone:
                if slot.is_reused and gone.kind == "connection-lost" and not deadline.expired:
                    return None
                raise
            finally:
                slot.is_broken = slot.connection.closed or deadline.expired

    def _patience(self, deadline: Deadline) -> Deadline:
        """The deadline for one statement."""
        return deadline.child(self._statement_timeout_s + SERVER_FIRST_S)


def server_limit_s(patience: Deadline) -> float:
    """The server's own timeout for a statement that we wait for until `patience`."""
    return max(0.1, patience.seconds - SERVER_FIRST_S)
