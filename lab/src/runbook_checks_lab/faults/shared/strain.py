"""PostgreSQL under load: long statements, locks, idle sessions, unused indexes, dead rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithPostgres
from runbook_checks_lab.servers.postgres_scenes import FOR_EVER, Scene, chain, cycle

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf

# The limits in environments/lab.yaml are seconds or less, so that a fault takes effect at once.
LONG_S, WAIT_S, IDLE_S, VACUUM_S = 1.3, 0.6, 1.3, 0.6
LOCKING = "%FOR UPDATE%"
SLOW_S, SLOW_CALLS = 0.6, 6


def _scene(system: WithPostgres, application: str, user: str | None = None) -> Scene:
    return Scene(system.postgres, system.database, user or system.service_role, application)


def _forget(system: WithPostgres, like: str) -> None:
    """Remove the fault's own statements from pg_stat_statements."""
    forget = "SELECT count(pg_stat_statements_reset(userid, dbid, queryid)) FROM pg_stat_statements"
    system.postgres.value(f"{forget} WHERE query LIKE '{like}'", system.database)


def long_running(fault: FaultsOf, of: Of[WithPostgres]) -> None:
    @fault("database.long-running-query", cause="running-statement")
    def report_without_end(lab: Lab) -> Iterator[None]:
        with _scene(of(lab), "monthly-report") as scene:
            scene.send(scene.session(), FOR_EVER)
            time.sleep(LONG_S)
            yield

    @fault("database.long-running-query", cause="idle-in-transaction")
    def console_left_open(lab: Lab) -> Iterator[None]:
        with _scene(of(lab), "psql") as scene:
            scene.session("BEGIN", "SELECT 42 AS answer")
            time.sleep(LONG_S)
            yield


def lock_waits(fault: FaultsOf, of: Of[WithPostgres], table: str, key: str) -> None:
    """Faults for rows of a table that has at least seven, identified by a key."""

    def rows(system: WithPostgres, count: int) -> list[str]:
        """Return statements that lock one row each."""
        sql = f"SELECT array_agg({key}::text) FROM (SELECT {key} FROM {table} ORDER BY {key} LIMIT {count}) AS few"  # noqa: S608  constants
        keys = system.postgres.value(sql, system.database)
        return [f"SELECT {key} FROM {table} WHERE {key} = '{one}' FOR UPDATE" for one in keys]  # noqa: S608  names of the lab

    @fault("database.lock-waits", cause="blocked-by-idle-transaction")
    def transaction_left_open(lab: Lab) -> Iterator[None]:
        system = of(lab)
        with _scene(system, "back-office") as scene, chain(scene, rows(system, 2), None):
            time.sleep(WAIT_S)
            yield
        _forget(system, LOCKING)

    @fault("database.lock-waits", cause="blocked-by-query")
    def long_update_and_a_cycle_of_three(lab: Lab) -> Iterator[None]:
        system = of(lab)
        locks = rows(system, 5)
        with ExitStack() as stack:
            stack.enter_context(chain(stack.enter_context(_scene(system, "nightly-update")), locks[:2], FOR_EVER))
            # As the superuser: only the superuser may set deadlock_timeout.
            importers = stack.enter_context(_scene(system, "importer", "postgres"))
            stack.enter_context(cycle(importers, locks[2:]))
            time.sleep(WAIT_S)
            yield
        _forget(system, LOCKING)  # a session that got its lock late is counted as slow


def slow_queries(fault: FaultsOf, of: Of[WithPostgres], table: str) -> None:
    @fault("database.slow-queries", cause="slow-statement")
    def search_without_index(lab: Lab) -> Iterator[None]:
        system = of(lab)
        statement = f"SELECT count(*), pg_sleep({SLOW_S}) FROM {table} WHERE {table}::text LIKE '%offer%'"  # noqa: S608  constants
        with _scene(system, "search") as scene:
            for _ in range(SLOW_CALLS):
                scene.send(scene.session(), statement)
            scene.until(SLOW_CALLS, "state = 'idle'")
        yield
        _forget(system, "%::text LIKE%")


def idle_connections(fault: FaultsOf, of: Of[WithPostgres]) -> None:
    @fault("database.idle-connections", cause="leaked-connections")
    def leaky_pool(lab: Lab) -> Iterator[None]:
        with _scene(of(lab), "slack-bot") as scene:
            for _ in range(4):
                scene.session("SELECT 1")
            time.sleep(IDLE_S)
            yield


def unused_indexes(fault: FaultsOf, of: Of[WithPostgres], table: str, column: str) -> None:
    @fault("database.unused-indexes", cause="never-scanned")
    def index_never_used(lab: Lab) -> Iterator[None]:
        system = of(lab)
        system.postgres.run(f"CREATE INDEX {table}_by_{column} ON {table} ({column})", database=system.database)
        yield
        system.postgres.run(f"DROP INDEX {table}_by_{column}", database=system.database)


def vacuum_overdue(fault: FaultsOf, of: Of[WithPostgres], table: str) -> None:
    """Faults in a table that the fault creates."""
    make = (
        f"CREATE TABLE {table} (id integer, note text)",
        f"INSERT INTO {table} SELECT n, 'to be done' FROM generate_series(1, 3000) AS n",  # noqa: S608  constants
    )
    empty = f"DELETE FROM {table} WHERE id > 500"  # noqa: S608  constants

    @fault("database.vacuum-overdue", cause="never-vacuumed")
    def never_vacuumed(lab: Lab) -> Iterator[None]:
        system = of(lab)
        system.postgres.run(*make, empty, database=system.database)
        yield
        system.postgres.run(f"DROP TABLE {table}", database=system.database)

    @fault("database.vacuum-overdue", cause="dead-rows")
    def vacuumed_long_ago(lab: Lab) -> Iterator[None]:
        system = of(lab)
        system.postgres.run(*make, f"VACUUM {table}", empty, database=system.database)
        time.sleep(VACUUM_S)
        yield
        system.postgres.run(f"DROP TABLE {table}", database=system.database)
