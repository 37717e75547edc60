"""In which words does this server take what MySQL and MariaDB say differently?

Everything that differs between them stands here: what a session is told at its start, and where facts are found.
"""

from __future__ import annotations

from dataclasses import dataclass

LOCK_TIMEOUT_S = 2


@dataclass(frozen=True)
class Dialect:
    name: str
    is_mariadb: bool

    def session(self, limit_s: float, time_zone: str | None) -> str:
        """What keeps a session from doing harm: the server itself gives up after limit_s."""
        # MySQL limits SELECT alone, in milliseconds; MariaDB every statement, in seconds with fractions.
        limit = (
            f"max_statement_time = {limit_s:.3f}" if self.is_mariadb else f"max_execution_time = {limit_s * 1000:.0f}"
        )
        zone = f", time_zone = '{time_zone}'" if time_zone else ""
        # DDL ends a transaction, a read-only one too: MariaDB then goes by the session alone.
        read_only = "tx_read_only = 1" if self.is_mariadb else "transaction_read_only = 1"
        return f"SET SESSION {limit}, {read_only}, lock_wait_timeout = {LOCK_TIMEOUT_S}{zone}"

    @property
    def begin(self) -> str:
        return "START TRANSACTION READ ONLY"

    @property
    def innodb_tables(self) -> str:
        """Where all of InnoDB's tables are listed, as database/table."""
        return f"information_schema.innodb_{'sys_' if self.is_mariadb else ''}tables"


def dialect_of(server_version: str) -> Dialect:
    """MariaDB names itself in its greeting, after a 5.5.5- that old clients needed."""
    is_mariadb = "mariadb" in server_version.lower()
    return Dialect("MariaDB" if is_mariadb else "MySQL", is_mariadb)
