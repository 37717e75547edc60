"""Sessions that fill a PostgreSQL server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runbook_checks_lab.servers.postgres import Postgres

PATIENCE_S = 5.0


@contextlib.contextmanager
def sessions(
    postgres: Postgres, database: str, user: str, application: str, count: int, statement: str
) -> Iterator[None]:
    """Open real sessions that each send one statement, without waiting for the response."""
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                connection = stack.enter_context(postgres.session(database, user, application))
                connection.pgconn.send_query(statement.encode())
                stack.callback(connection.pgconn.finish)
            _wait(postgres, application, count)
            yield
    finally:
        _end(postgres, application)


@contextlib.contextmanager
def fill(postgres: Postgres, database: str, user: str, application: str) -> Iterator[None]:
    """Open sessions until the server refuses normal roles; the superuser's reserved connections stay free."""
    import psycopg

    try:
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    connection = postgres.session(database, user, application)
                    stack.callback(connection.pgconn.finish)
            yield
    finally:
        _end(postgres, application)


def _end(postgres: Postgres, application: str) -> None:
    postgres.value(_of(application, "count(pg_terminate_backend(pid))"))
    _wait(postgres, application, 0)


def _wait(postgres: Postgres, application: str, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while postgres.value(_of(application, "count(*)")) != count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{application} does not have {count} sessions in time")
        time.sleep(0.01)


def _of(application: str, what: str) -> str:
    return f"SELECT {what} FROM pg_stat_activity WHERE application_name = '{application}'"  # noqa: S608  constants
