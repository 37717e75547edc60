"""A PostgreSQL database that is unreachable, or without a free connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithPostgres, database
from runbook_checks_lab.servers.postgres_sessions import fill, sessions
from runbook_checks_lab.servers.postgres_settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf

CROWD = 0.85


def unreachable(fault: FaultsOf, of: Of[WithPostgres]) -> None:
    database.unreachable(fault, of)

    @fault("database.unreachable", cause="authentication-failed")
    def password_changed(lab: Lab) -> Iterator[None]:
        system = of(lab)
        system.postgres.run(f"ALTER ROLE {system.monitor_role} PASSWORD 'changed-without-the-checks'")
        yield
        system.postgres.run(*system.password_statements())

    @fault("database.unreachable", cause="database-missing")
    def database_renamed(lab: Lab) -> Iterator[None]:
        system = of(lab)
        moved = f"{system.database}_moved"
        system.postgres.rename_database(system.database, moved)
        yield
        system.postgres.rename_database(moved, system.database)

    @fault("database.unreachable", cause="too-many-connections")
    def every_connection_taken(lab: Lab) -> Iterator[None]:
        system = of(lab)
        with fill(system.postgres, system.database, system.service_role, "nightly-import"):
            yield

    @fault("database.unreachable", cause="tls-required")
    def plain_connections_refused(lab: Lab) -> None:
        of(lab).database_port.behaviour.tls_only_for = of(lab).monitor_role

    @fault("database.unreachable", cause="host-not-allowed")
    def host_not_in_pg_hba(lab: Lab) -> Iterator[None]:
        system = of(lab)
        system.postgres.set_hba([rule for rule in system.hba if system.monitor_role not in rule])
        system.postgres.reload()
        yield
        system.postgres.set_hba(system.hba)
        system.postgres.reload()

    @fault("database.unreachable", cause="starting-up")
    def still_starting(lab: Lab) -> None:
        of(lab).database_port.behaviour.is_starting_up = True


def exhausted(fault: FaultsOf, of: Of[WithPostgres]) -> None:
    """Over the limit, with connections left for the service and the checks."""
    crowds = {
        "idle-in-transaction": ("report-export", "BEGIN; SELECT 1"),
        "idle-pool": ("background-worker", "SELECT 1"),
        "active-load": ("search", "SELECT pg_sleep(3600)"),
    }
    for cause, crowd in crowds.items():

        @fault("database.connections-exhausted", cause=cause)
        def crowded(lab: Lab, crowd: tuple[str, str] = crowd) -> Iterator[None]:
            yield from crowd_of(of(lab), *crowd)


def crowd_of(system: WithPostgres, application: str, statement: str, share: float = CROWD) -> Iterator[None]:
    """Take this share of all connections."""
    others = system.postgres.value(
        f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{system.service_role}'"  # noqa: S608  a constant
    )
    count = int(MAX_CONNECTIONS * share) - others
    with sessions(system.postgres, system.database, system.service_role, application, count, statement):
        yield
