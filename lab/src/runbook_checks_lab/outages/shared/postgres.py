"""Parts of a PostgreSQL database that can be hidden from the monitoring role."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Exercised, Of, WithPostgres

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import OutagesOf

RESET_EVERY_S = 0.02
CATALOG = ("pg_class", "pg_attribute", "pg_namespace", "pg_roles", "pg_tables")


def monitor_revoked(outage: OutagesOf, of: Of[WithPostgres], *hides: str) -> None:
    @outage("postgres-monitor-revoked", *hides)
    def other_sessions_hidden(lab: Lab) -> Iterator[None]:
        yield from _revoked(of(lab), "pg_monitor", of(lab).monitor_role)


def catalog_revoked(outage: OutagesOf, of: Of[WithPostgres], *hides: str) -> None:
    @outage("postgres-catalog-revoked", *hides)
    def catalog_closed(lab: Lab) -> Iterator[None]:
        what = f"SELECT ON {', '.join(f'pg_catalog.{name}' for name in CATALOG)}"
        yield from _revoked(of(lab), what, "PUBLIC")


def statements_gone(outage: OutagesOf, of: Of[Exercised]) -> None:
    """Outages in which pg_stat_statements has no data."""

    @outage("postgres-extension-dropped", "database.slow-queries")
    def extension_dropped(lab: Lab) -> Iterator[None]:
        of(lab).postgres.run("DROP EXTENSION pg_stat_statements", database=of(lab).database)
        yield
        of(lab).postgres.run("CREATE EXTENSION pg_stat_statements", database=of(lab).database)

    @outage("postgres-statements-reset", "database.slow-queries")
    def statements_reset(lab: Lab) -> Iterator[None]:
        of(lab).postgres.value("SELECT count(pg_stat_statements_reset())", of(lab).database)
        of(lab).postgres.run("SELECT pg_stat_statements_reset()", database=of(lab).database)
        yield
        of(lab).exercise()

    @outage("postgres-statements-not-tracked", "database.slow-queries")
    def tracking_off(lab: Lab) -> Iterator[None]:
        with _set(of(lab), "pg_stat_statements.track", "none"):
            yield


def activities_off(outage: OutagesOf, of: Of[WithPostgres], *hides: str) -> None:
    @outage("postgres-activities-off", *hides)
    def activities_not_tracked(lab: Lab) -> Iterator[None]:
        with _set(of(lab), "track_activities", "off"):
            yield


def counters_gone(outage: OutagesOf, of: Of[Exercised], *hides: str) -> None:
    @outage("postgres-counters-off", *hides)
    def counters_off(lab: Lab) -> Iterator[None]:
        with _set(of(lab), "track_counts", "off"):
            yield

    @outage("postgres-counters-reset", *hides)
    def counters_reset_all_the_time(lab: Lab) -> Iterator[None]:
        """The counters are then too young even for the lab's limit."""
        over = threading.Event()

        def reset() -> None:
            with of(lab).postgres.admin(of(lab).database) as connection:
                while not over.wait(RESET_EVERY_S):
                    connection.execute("SELECT pg_stat_reset()")

        thread = threading.Thread(target=reset, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        of(lab).exercise()


def rows_hidden(outage: OutagesOf, of: Of[WithPostgres], table: str, *hides: str) -> None:
    @outage("postgres-rows-revoked", *hides)
    def rows_closed(lab: Lab) -> Iterator[None]:
        yield from _revoked(of(lab), f"SELECT ON {table}", of(lab).monitor_role)

    @outage("postgres-row-security", *hides)
    def policy_hides_every_row(lab: Lab) -> Iterator[None]:
        of(lab).postgres.run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", database=of(lab).database)
        yield
        of(lab).postgres.run(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", database=of(lab).database)


def _revoked(system: WithPostgres, what: str, role: str) -> Iterator[None]:
    system.postgres.run(f"REVOKE {what} FROM {role}", database=system.database)
    yield
    system.postgres.run(f"GRANT {what} TO {role}", database=system.database)


@contextlib.contextmanager
def _set(system: WithPostgres, name: str, value: str) -> Iterator[None]:
    system.postgres.run(f"ALTER SYSTEM SET {name} = '{value}'")
    system.postgres.reload()
    try:
        yield
    finally:
        system.postgres.run(f"ALTER SYSTEM RESET {name}")
        system.postgres.reload()
