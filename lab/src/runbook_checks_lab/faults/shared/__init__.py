"""Faults of parts that many systems have; each system registers them as its own.

health.unreachable(fault, lambda lab: runbook_checks_lab.customer_service)

`fault` is the system's decorator; the second argument returns the system that is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.servers.answers import HttpBehaviour
    from runbook_checks_lab.servers.dotenv import Dotenv
    from runbook_checks_lab.servers.front import Front
    from runbook_checks_lab.servers.listener import Door
    from runbook_checks_lab.servers.mariadb import MariaDb
    from runbook_checks_lab.servers.mariadb_proxy import MariaDbProxy
    from runbook_checks_lab.servers.postgres import Postgres
    from runbook_checks_lab.servers.postgres_proxy import PostgresProxy
    from runbook_checks_lab.servers.prometheus import Prometheus

System = TypeVar("System")
Of = Callable[["Lab"], System]


class HasHttpBehaviour(Protocol):
    @property
    def behaviour(self) -> HttpBehaviour: ...


class Web(Protocol):
    """A system with an HTTP service behind a TLS front."""

    host: str
    front: Front

    @property
    def service(self) -> HasHttpBehaviour: ...


class WithVariables(Protocol):
    """A system with an instance that is about to start."""

    dotenv: Dotenv


class WithAddress(WithVariables, Protocol):
    """A system with an instance that is about to start on this host."""

    next_port: int


class HasDoor(Protocol):
    door: Door


class HasDoorBehaviour(Protocol):
    @property
    def behaviour(self) -> HasDoor: ...


class WithDatabase(Protocol):
    """A system with a database of any engine, behind one of the lab's ports."""

    database_host: str

    @property
    def database_port(self) -> HasDoorBehaviour: ...


class WithPostgres(Protocol):
    """A system with a PostgreSQL database."""

    postgres: Postgres
    database_port: PostgresProxy
    database_host: str
    database: str
    service_role: str
    monitor_role: str

    @property
    def hba(self) -> Sequence[str]: ...

    def password_statements(self) -> Sequence[str]: ...


class WithMetrics(Protocol):
    """A system with a Prometheus server."""

    prometheus: Prometheus


class Exercised(WithPostgres, Protocol):
    """A system that can run its normal statements on demand."""

    def exercise(self) -> None: ...


class WithMariaDb(Protocol):
    """A system with a MariaDB database."""

    mariadb: MariaDb
    database_port: MariaDbProxy
    database_host: str
    database: str
    monitor_role: str
    crowd_role: str
    """An account that may connect, and for which the server reserves no connection."""
    quiet_table: str
    """A table that an open transaction may have read."""
    passwords: dict[str, str]

    def password_statements(self) -> Sequence[str]: ...
