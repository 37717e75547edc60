"""What do all databases have in common that are looked at through SQL: sharing, a pool, deadlines?"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from probes.deadline import Deadline, within
from probes.journal import reading
from probes.pool import Pool
from probes.reading import NoReading, one_line
from probes.share import Shared

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


Known = TypeVar("Known", bound=Settings)


class SqlDatabase(Generic[Known]):
    """One database, looked at through a role that may only look.

    Every query runs in a read-only transaction with time-outs of the server's own, as one statement, and ends
    within its deadline whatever the server does. At most `connections` at once, reused.
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
        self._settings: Known | None = None

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

    def _import(self) -> None:
        """What a query needs, imported before any clock runs."""

    def _parsed(self) -> Known:
        """What the DSN says; NoReading dsn-malformed."""
        raise NotImplementedError

    def _connect(self, settings: Known, deadline: Deadline) -> Any:
        """A connection (probes.pool.Connection) to the database, or why there is none."""
        raise NotImplementedError

    def _read(
        self, connection: Any, settings: Known, sql: str, params: Params, limit_s: float, patience: Deadline
    ) -> Rows:
        """The rows of one statement, which the server ends after limit_s."""
        raise NotImplementedError

    def _query(self, sql: str, params: Params, *, fresh: bool) -> Rows:
        self._import()
        with reading(f"SQL {one_line(sql, 100)}") as facts:
            deadline = within(self._connect_timeout_s + self._statement_timeout_s + 2 * SERVER_FIRST_S)
            settings = self._known()
            facts.update(database=settings.dsn.database, user=settings.dsn.user)
            begun = time.monotonic()
            rows = self._with_connection(settings, sql, params, deadline, fresh=fresh)
            facts.update(rows=len(rows), total_ms=round((time.monotonic() - begun) * 1000, 3))
            return rows

    def _known(self) -> Known:
        with self._lock:
            if self._settings is None:
                self._settings = self._parsed()
            return self._settings

    def _with_connection(self, settings: Known, sql: str, params: Params, deadline: Deadline, *, fresh: bool) -> Rows:
        def dial() -> Any:
            return self._connect(settings, deadline.child(self._connect_timeout_s))

        while True:
            with self._pool.connection(dial, deadline, fresh=fresh) as slot:
                limit_s = max(0.1, min(self._statement_timeout_s, deadline.remaining() - SERVER_FIRST_S))
                patience = deadline.child(self._statement_timeout_s + SERVER_FIRST_S)
                try:
                    return self._read(slot.connection, settings, sql, params, limit_s, patience)
                except NoReading as gone:
                    # A kept connection that the server closed while it was idle is no fault of the server.
                    if not (slot.is_reused and gone.kind == "connection-lost" and not deadline.expired):
                        raise
                finally:
                    slot.is_broken = slot.connection.closed or deadline.expired
