"""Sessions that fill a MariaDB server, or keep it busy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runbook_checks_lab.servers.mariadb import MariaDb

COM_QUERY = 3


@contextlib.contextmanager
def sessions(
    server: MariaDb, count: int, user: str, password: str, statements: Sequence[str], *, at_most: bool = False
) -> Iterator[None]:
    """Open real sessions that each send the statements, without waiting for the last response."""
    import pymysql

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(*([pymysql.err.OperationalError] if at_most else [])):
            for _ in range(count):
                connection: Any = server.session(user, password=password)
                stack.callback(_drop, server, connection)
                _send(connection, statements)
        yield


def _send(connection: Any, statements: Sequence[str]) -> None:
    for number, statement in enumerate(statements, 1):
        connection._execute_command(COM_QUERY, statement)
        if number < len(statements) or "SLEEP(3600)" not in statement:
            connection._read_query_result()


def _drop(server: MariaDb, connection: Any) -> None:
    """Close the connection; the server rolls back and ends the session at once, even during a statement."""
    import pymysql

    with contextlib.suppress(pymysql.MySQLError):
        server.run(f"KILL {connection.thread_id()}")
    connection._force_close()
