"""A MariaDB database that is unreachable, or without a free connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithMariaDb, database
from runbook_checks_lab.servers.mariadb_sessions import sessions
from runbook_checks_lab.servers.mariadb_settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf

CROWD = 0.85
SESSIONS = "SELECT COUNT(*) FROM information_schema.processlist"
ELSEWHERE = "10.99.%"
# A server sends ER_SERVER_SHUTDOWN both during start-up and shutdown; MySQL has no separate error for start-up.
GOING_DOWN = (1053, "08S01", "Server shutdown in progress")


def unreachable(fault: FaultsOf, of: Of[WithMariaDb]) -> None:
    database.unreachable(fault, of)

    @fault("database.unreachable", cause="authentication-failed")
    def password_changed(lab: Lab) -> Iterator[None]:
        system = of(lab)
        system.mariadb.run(f"ALTER USER '{system.monitor_role}'@'%' IDENTIFIED BY 'changed-without-the-checks'")
        yield
        system.mariadb.run(*system.password_statements())

    @fault("database.unreachable", cause="database-missing")
    def database_renamed(lab: Lab) -> Iterator[None]:
        """There is no RENAME DATABASE, so the tables are moved one by one."""
        system = of(lab)
        moved = f"{system.database}_moved"
        system.mariadb.move_tables(system.database, moved)
        yield
        system.mariadb.move_tables(moved, system.database)

    @fault("database.unreachable", cause="too-many-connections")
    def every_connection_taken(lab: Lab) -> Iterator[None]:
        """The server reserves one connection for accounts with CONNECTION ADMIN; the lab uses it."""
        system = of(lab)
        role = system.crowd_role
        with sessions(system.mariadb, MAX_CONNECTIONS, role, system.passwords[role], ["SELECT 1"], at_most=True):
            yield

    @fault("database.unreachable", cause="tls-required")
    def plain_connections_refused(lab: Lab) -> Iterator[None]:
        system = of(lab)
        system.mariadb.run(f"ALTER USER '{system.monitor_role}'@'%' REQUIRE SSL")
        yield
        system.mariadb.run(f"ALTER USER '{system.monitor_role}'@'%' REQUIRE NONE")

    @fault("database.unreachable", cause="host-not-allowed")
    def no_account_for_our_address(lab: Lab) -> Iterator[None]:
        """The server first checks whether any account may connect from that address."""
        system = of(lab)
        moved = "UPDATE mysql.global_priv SET Host = '{}' WHERE Host = '{}'"
        system.mariadb.run(moved.format(ELSEWHERE, "%"), "FLUSH PRIVILEGES")
        yield
        system.mariadb.run(moved.format("%", ELSEWHERE), "FLUSH PRIVILEGES")

    @fault("database.unreachable", cause="starting-up")
    def coming_up(lab: Lab) -> None:
        of(lab).database_port.behaviour.refusal = GOING_DOWN


def exhausted(fault: FaultsOf, of: Of[WithMariaDb]) -> None:
    """Over the limit, with connections left for the service and the checks."""
    crowds = {
        "idle-in-transaction": ["BEGIN", "SELECT * FROM {table} LIMIT 1"],
        "idle-pool": ["SELECT 1"],
        "active-load": ["SELECT SLEEP(3600)"],
    }
    for cause, statements in crowds.items():

        @fault("database.connections-exhausted", cause=cause)
        def crowded(lab: Lab, statements: list[str] = statements) -> Iterator[None]:
            system = of(lab)
            role = system.crowd_role
            count = int(MAX_CONNECTIONS * CROWD) - system.mariadb.value(SESSIONS)
            said = [statement.format(table=system.quiet_table) for statement in statements]
            with sessions(system.mariadb, count, role, system.passwords[role], said):
                yield
