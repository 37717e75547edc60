"""Sessions of a PostgreSQL server that block each other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from runbook_checks_lab.servers.postgres import Postgres

PATIENCE_S = 5.0
FOR_EVER = "SELECT pg_sleep(3600)"


class Scene:
    """Sessions of one application with their statements, which may wait as long as the scene lasts."""

    def __init__(self, postgres: Postgres, database: str, user: str, application: str) -> None:
        self._postgres, self._where, self._application = postgres, (database, user), application
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self._postgres.value(self._of("count(pg_terminate_backend(pid, 2000))"))
        self._stack.close()

    def session(self, *statements: str) -> psycopg.Connection[Any]:
        """Return a session that has run these statements in order."""
        connection = self._postgres.session(*self._where, self._application)
        self._stack.callback(connection.pgconn.finish)
        for statement in statements:
            connection.execute(statement.encode())
        return connection

    def send(self, connection: psycopg.Connection[Any], statement: str) -> None:
        """Start a statement in a session without waiting for its end."""
        connection.pgconn.send_query(statement.encode())

    def until(self, count: int, condition: str) -> None:
        """Wait until the condition holds for `count` of the sessions."""
        deadline = time.monotonic() + PATIENCE_S
        while (seen := self._postgres.value(self._of(f"count(*) FILTER (WHERE {condition})"))) != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{seen}, not {count} sessions of {self._application}: {condition}")
            time.sleep(0.02)

    def _of(self, what: str) -> str:
        return f"SELECT {what} FROM pg_stat_activity WHERE application_name = '{self._application}'"  # noqa: S608  constants


@contextlib.contextmanager
def chain(scene: Scene, lock: Sequence[str], root_runs: str | None) -> Iterator[None]:
    """Two sessions wait: one for the root, one for the first waiter. `lock` has two statements for one row each."""
    first, second = lock
    root = scene.session("BEGIN", first)
    if root_runs:
        scene.send(root, root_runs)
    middle = scene.session("BEGIN", second)
    scene.send(middle, first)
    scene.until(1, "wait_event_type = 'Lock'")
    scene.send(scene.session("BEGIN"), second)
    scene.until(2, "wait_event_type = 'Lock'")
    yield


@contextlib.contextmanager
def cycle(scene: Scene, lock: Sequence[str]) -> Iterator[None]:
    """Each session waits for the next, and the last for the first; the deadlock detection is postponed."""
    sessions = [scene.session("SET deadlock_timeout = '1h'", "BEGIN", statement) for statement in lock]
    for number, session in enumerate(sessions):
        scene.send(session, lock[(number + 1) % len(lock)])
        scene.until(number + 1, "wait_event_type = 'Lock'")
    yield
