"""Sessions, messages, tickets and audit rows in PostgreSQL."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[dict[str, Any]]

POOL = 4
CONNECT_S = 0.3
DOWN_FOR_S = 1.0


class Down(Exception):
    """PostgreSQL is unreachable; raised without an attempt for a while after one has failed."""


class Store:
    """A small pool and a circuit breaker, so that health responses stay quick while the database is unreachable."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self._address = (host, port)
        self._password = password
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._places = threading.BoundedSemaphore(POOL)
        self._down_until = 0.0

    def is_up(self) -> bool:
        try:
            with self.connection() as connection:
                connection.execute("SELECT 1")
        except Exception:  # noqa: BLE001,RUF100  any error means that the component is down
            return False
        return True

    def probe(self) -> None:
        self._down_until = 0.0
        self.is_up()

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get_nowait().close()

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Return a connection for one transaction; a broken connection is replaced once."""
        with self._places:
            connection = self._alive() or self._connected()
            with contextlib.ExitStack() as stack:
                stack.callback(self._put_back, connection)
                stack.enter_context(connection.transaction())
                yield connection

    def _alive(self) -> Connection | None:
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return None
            if not connection.closed and not _is_cut(connection):
                return connection
            connection.close()

    def _connected(self) -> Connection:
        import psycopg
        import psycopg.rows

        if time.monotonic() < self._down_until:
            raise Down
        try:
            socket.create_connection(self._address, CONNECT_S).close()
            return psycopg.connect(
                host="db.lab.test",
                hostaddr=self._address[0],
                port=self._address[1],
                dbname="ai_customer_service",
                user="ai_cs",
                password=self._password,
                application_name="ai-customer-service",
                sslmode="disable",
                autocommit=True,
                connect_timeout=2,
                prepare_threshold=None,  # tables change while the service runs, so plans must not be cached
                row_factory=psycopg.rows.dict_row,
            )
        except (OSError, psycopg.OperationalError) as error:
            self._down_until = time.monotonic() + DOWN_FOR_S
            raise Down from error

    def _put_back(self, connection: Connection) -> None:
        if connection.closed:
            return
        self._idle.put(connection)


def _is_cut(connection: Connection) -> bool:
    """Whether the server has closed the connection: an idle connection is readable only then."""
    import select

    return bool(select.select([connection.fileno()], [], [], 0)[0])
