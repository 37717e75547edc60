"""Read the API's tables."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from runbook_checks_lab.reverseai.accounts import SERVICE
from runbook_checks_lab.reverseai.names import DATABASE

CONNECT_S = 0.3
DOWN_FOR_S = 1.0


class Down(Exception):
    """MariaDB is unreachable; raised without an attempt for a while after one has failed."""


class Store:
    """One connection and a circuit breaker, so that health responses stay quick while the database is unreachable."""

    def __init__(self, port: int, password: str) -> None:
        self._port, self._password = port, password
        self._connection: Any = None
        self._turn = threading.Lock()
        self._down_until = 0.0

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return a statement's rows; a broken connection is replaced once."""
        import pymysql

        with self._turn:
            for is_second in (False, True):
                connection = self._connection or self._connected()
                try:
                    with connection.cursor() as cursor:
                        cursor.execute(sql, tuple(values))
                        return list(cursor.fetchall())
                except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
                    self.close()
                    if is_second:
                        raise Down from error
        raise Down

    def is_up(self) -> bool:
        try:
            self.rows("SELECT 1")
        except Exception:  # noqa: BLE001,RUF100  any error means that the component is down
            return False
        return True

    def probe(self) -> None:
        self._down_until = 0.0
        self.is_up()

    def close(self) -> None:
        if self._connection is not None:
            self._connection._force_close()
            self._connection = None

    def _connected(self) -> Any:
        import pymysql
        import pymysql.cursors

        if time.monotonic() < self._down_until:
            raise Down
        try:
            sock = socket.create_connection(("127.0.0.1", self._port), CONNECT_S)
            sock.settimeout(2)
            connection = pymysql.connect(
                user=SERVICE,
                password=self._password,
                database=DATABASE,
                autocommit=True,
                defer_connect=True,
                read_timeout=2,
                write_timeout=2,
                cursorclass=pymysql.cursors.DictCursor,
            )
            connection.connect(sock)
        except (OSError, pymysql.MySQLError) as error:
            self._down_until = time.monotonic() + DOWN_FOR_S
            raise Down from error
        self._connection = connection
        return connection
