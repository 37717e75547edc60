"""What do all databases have in common that are looked at through SQL: sharing, a pool, deadlines?"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from runbook_checks.probes.core.deadline import Deadline, within
from runbook_checks.probes.core.journal import reading
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.core.single_flight import Shared
from runbook_checks.probes.sql.pool import Pool, Pools, Slot, Way
from runbook_checks.probes.sql.room import Room

Params = Sequence[Any] | Mapping[str, Any] | None
Rows = list[dict[str, Any]]

SERVER_FIRST_S = 0.5  # the server's own time-out comes first: it can say what took so long


class Names(Protocol):
    """What is told of the way in: all but the password."""

    @property
    def user(self) -> str: ...

    @property
    def database(self) -> str: ...


class Settings(Protocol):
    @property
    def dsn(self) -> Names: ...


class Asking(Protocol):
    """One statement in a read-only transaction, or the server's limits."""

    def rows(self, sql: str, params: Params, deadline: Deadline) -> Rows: ...

    def room(self, deadline: Deadline) -> Room: ...


Known = TypeVar("Known", bound=Settings)


class SqlDatabase(Generic[Known]):
    """One database, looked at through a role that may only look.

    Every query runs in a read-only transaction with time-outs of the server's own, as one statement, and ends
    within its deadline whatever the server does.

    connections  at most so many at once; more where several databases share `pools`, the pools of one run, and look
                 at one server as one role; never more than half of what the role may hold (probes.sql.pool)
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
        self._dsn = dsn
        self._connect_timeout_s = connect_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self._resolver = resolver
        self._ca_file = ca_file
        self._mark = re.sub(r"[^\w.-]", "", run_id)[:64]
        self._shared = Shared(resource)
        self._connections = connections
        self._pools = pools or Pools()
        self._lock = threading.Lock()
        self._known: tuple[Known, Pool] | None = None

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
        if self._known is not None:
            self._known[1].close()

    def _import(self) -> None:
        """What a query needs, imported before any clock runs."""

    def _parsed(self) -> Known:
        """What the DSN says; NoReading dsn-malformed."""
        raise NotImplementedError

    def _server(self, settings: Known) -> Hashable:
        """The server and the role on it, which limits are counted for."""
        raise NotImplementedError

    def _connect(self, settings: Known, deadline: Deadline, role_limit: int | None) -> Any:
        """A connection (probes.sql.pool.Connection) to the database, or why there is none."""
        raise NotImplementedError

    def _asking(self, connection: Any, settings: Known, limit_s: float) -> Asking:
        """One statement's turn on a connection; the server ends it after limit_s."""
        raise NotImplementedError

    def _room(self, connection: Any, settings: Known, limit_s: float, patience: Deadline) -> Room:
        """What the server says of its limits; nothing, where it keeps them to itself."""
        try:
            return self._asking(connection, settings, limit_s).room(patience)
        except NoReading:
            if connection.closed:
                raise
            return Room()

    def _query(self, sql: str, params: Params, *, fresh: bool) -> Rows:
        self._import()
        with reading(f"SQL {one_line(sql, 100)}") as facts:
            deadline = within(self._connect_timeout_s + self._statement_timeout_s + 2 * SERVER_FIRST_S)
            settings, pool = self._settled()
            facts.update(database=settings.dsn.database, user=settings.dsn.user)
            begun = time.monotonic()
            rows = self._with_connection(settings, pool, sql, params, deadline, facts, fresh=fresh)
            facts.update(rows=len(rows), total_ms=round((time.monotonic() - begun) * 1000, 3))
            return rows

    def _with_connection(
        self,
        settings: Known,
        pool: Pool,
        sql: str,
        params: Params,
        deadline: Deadline,
        facts: dict[str, Any],
        *,
        fresh: bool,
    ) -> Rows:
        way, rows = self._way(settings, deadline), None
        try:
            while rows is None:
                with pool.connection(way, deadline, fresh=fresh) as slot:
                    facts.update({"attempts": slot.attempts} if slot.attempts > 1 else {})
                    rows = self._rows(slot, settings, sql, params, deadline)
        except NoReading as gone:
            if "database" in gone.evidence:  # what kept another database's connection from being made is told of ours
                gone.evidence = {**gone.evidence, "database": settings.dsn.database}
            raise
        return rows

    def _settled(self) -> tuple[Known, Pool]:
        with self._lock:
            if self._known is None:
                settings = self._parsed()
                pool = self._pools.of(self._server(settings), self._connections, self.resource)
                self._known = settings, pool
            return self._known

    def _way(self, settings: Known, deadline: Deadline) -> Way:
        def dial(role_limit: int | None) -> Any:
            return self._connect(settings, deadline.child(self._connect_timeout_s), role_limit)

        def room(connection: Any) -> Room:
            return self._room(connection, settings, *self._limits(deadline))

        return Way((self._dsn, self._resolver, self._ca_file), self._connect_timeout_s, dial, room)

    def _limits(self, deadline: Deadline) -> tuple[float, Deadline]:
        """How long the server may take for a statement, and how long we wait for it."""
        limit_s = max(0.1, min(self._statement_timeout_s, deadline.remaining() - SERVER_FIRST_S))
        return limit_s, deadline.child(self._statement_timeout_s + SERVER_FIRST_S)

    def _rows(self, slot: Slot, settings: Known, sql: str, params: Params, deadline: Deadline) -> Rows | None:
        """The rows; None where a kept connection turns out to have been closed while it was idle."""
        try:
            limit_s, patience = self._limits(deadline)
            return self._asking(slot.connection, settings, limit_s).rows(sql, params, patience)
        except NoReading as gone:
            if slot.is_reused and gone.kind == "connection-lost" and not deadline.expired:
                return None
            raise
        finally:
            slot.is_broken = slot.connection.closed or deadline.expired
