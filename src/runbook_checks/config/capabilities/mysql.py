"""Settings of a MySQL or MariaDB database: its DSN, the tables it must hold, its limits."""

from __future__ import annotations

import re
from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret


@settings
class Mysql:
    """A MySQL or MariaDB database, read by an account that may only read."""

    dsn: Secret
    """The monitor account's DSN, mysql://USER:PASSWORD@HOST:PORT/DATABASE; TLS unless it says ssl-mode=DISABLED."""
    schema: str
    """The database that holds the service's tables."""
    tables: list[str] = field(default_factory=list)
    """The tables a release needs."""
    time_zone: str | None = None
    """The time zone of the tables, such as '+00:00', if it differs from the server's."""
    connections_warn_percent: PositiveFloat = 80
    """Connections in use, of the server's maximum, from which they count as exhausted."""
    long_running_s: PositiveFloat = 60
    """The longest time for a statement, and for a transaction that is idle."""
    slow_statement_ms: PositiveFloat = 1000
    """A mean time above which a statement is slow; the server's long_query_time decides what it logs."""
    felt_statement_ms: PositiveFloat = 1000
    """A mean time above which users notice it, and the finding has the symptom's severity."""
    slow_statement_calls: PositiveInt = 1
    """Statements with fewer slow calls are ignored."""
    slow_window_min: PositiveFloat = 60
    """The minutes of the slow log to read."""
    table_mb: PositiveFloat = 5120
    """The largest size of one table, data and indexes."""
    connect_timeout_s: PositiveFloat = 4
    """A connection must be there within this time."""
    statement_timeout_s: PositiveFloat = 5
    """The longest time for one statement of ours."""

    def __post_init__(self) -> None:
        if self.time_zone is not None and not re.fullmatch(r"[+-][01]\d:[0-5]\d|[A-Za-z_/]+", self.time_zone):
            raise ValueError("'time_zone' must be an offset such as '+00:00', or the name of a zone")
