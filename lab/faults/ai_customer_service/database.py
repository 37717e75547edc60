"""How can PostgreSQL be out of reach, or have no connection left?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.customer_service.names import DATABASE, DATABASE_HOST, HBA
from lab.faults.ai_customer_service import fault
from lab.servers.postgres_sessions import fill, sessions
from lab.servers.postgres_settings import MAX_CONNECTIONS

if TYPE_CHECKING:
    from lab.lab import Lab

MOVED = f"{DATABASE}_moved"
CROWD = 0.85


@fault("database.unreachable", cause="name-not-resolved")
def name_gone(lab: Lab) -> None:
    lab.dns.behaviour.rcodes[DATABASE_HOST] = "NXDOMAIN"


@fault("database.unreachable", cause="connection-refused")
def nobody_listens(lab: Lab) -> None:
    lab.customer_service.database_port.behaviour.door = "refused"


@fault("database.unreachable", cause="connect-timeout")
def packets_dropped(lab: Lab) -> None:
    lab.customer_service.database_port.behaviour.door = "silent"


@fault("database.unreachable", cause="authentication-failed")
def password_changed(lab: Lab) -> Iterator[None]:
    system = lab.customer_service
    system.postgres.run("ALTER ROLE cs_monitor PASSWORD 'changed-by-somebody-else'")
    yield
    system.postgres.run(*system.password_statements())


@fault("database.unreachable", cause="database-missing")
def database_renamed(lab: Lab) -> Iterator[None]:
    lab.customer_service.postgres.rename_database(DATABASE, MOVED)
    yield
    lab.customer_service.postgres.rename_database(MOVED, DATABASE)


@fault("database.unreachable", cause="too-many-connections")
def every_connection_taken(lab: Lab) -> Iterator[None]:
    with fill(lab.customer_service.postgres, DATABASE, "ai_cs", "nightly-import"):
        yield


@fault("database.unreachable", cause="tls-required")
def plain_connections_refused(lab: Lab) -> None:
    lab.customer_service.database_port.behaviour.tls_only_for = "cs_monitor"


@fault("database.unreachable", cause="host-not-allowed")
def host_not_in_pg_hba(lab: Lab) -> Iterator[None]:
    lab.customer_service.postgres.set_hba([rule for rule in HBA if "cs_monitor" not in rule])
    lab.customer_service.postgres.reload()
    yield
    lab.customer_service.postgres.set_hba(HBA)
    lab.customer_service.postgres.reload()


@fault("database.unreachable", cause="starting-up")
def still_starting(lab: Lab) -> None:
    lab.customer_service.database_port.behaviour.is_starting_up = True


def _crowd(lab: Lab, application: str, statement: str) -> contextlib.AbstractContextManager[None]:
    """Over the limit, with room left for the service and for those who look."""
    postgres = lab.customer_service.postgres
    others = postgres.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ai_cs'")
    return sessions(postgres, DATABASE, "ai_cs", application, int(MAX_CONNECTIONS * CROWD) - others, statement)


@fault("database.connections-exhausted", cause="idle-in-transaction")
def transactions_left_open(lab: Lab) -> Iterator[None]:
    with _crowd(lab, "report-export", "BEGIN; SELECT 1"):
        yield


@fault("database.connections-exhausted", cause="idle-pool")
def pool_too_large(lab: Lab) -> Iterator[None]:
    with _crowd(lab, "ai-customer-service-worker", "SELECT 1"):
        yield


@fault("database.connections-exhausted", cause="active-load")
def busy_queries(lab: Lab) -> Iterator[None]:
    with _crowd(lab, "ai-customer-service-search", "SELECT pg_sleep(3600)"):
        yield
