"""Settings of a MySQL or MariaDB database: its DSN, the tables it must hold, its limits."""

from __future__ import annotations

import re
from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret


@settings
class Mysql:
    """A MySQL or MariaDB database, seen by an account that may only look."""

    dsn: Secret
    """The monitor account's DSN, mysql://USER:PASSWORD@HOST:PORT/DATABASE; TLS unless it says ssl-mode=DISABLED."""
    schema: str
    """The database that holds the service's tables."""
    tables: list[str] = field(default_factory=list)
    """The tables a release needs."""
    time_zone: str | None = None
    """The zone of the times in the tables, such as '+00:00', where it isn't the server's own."""
    connections_warn_percent: PositiveFloat = 80
    """Connections in use, of the server's maximum, from which they count as exhausted."""
    long_running_s: PositiveFloat = 60
    """A statement may run so long, a transaction may be idle so long."""
    slow_statement_ms: PositiveFloat = 1000
    """A statement's mean time above which it is slow; the server's long_query_time decides what it writes down."""
    felt_statement_ms: PositiveFloat = 1000
    """A mean time above which users feel it, and the finding is as grave as the symptom."""
    slow_statement_calls: PositiveInt = 1
    """Statements that were slow less often say nothing."""
    slow_window_min: PositiveFloat = 60
    """The slow log is looked at so far back."""
    table_mb: PositiveFloat = 5120
    """Data and indexes of one table may take so much."""
    connect_timeout_s: PositiveFloat = 4
    """A connection must be there within this time."""
    statement_timeout_s: PositiveFloat = 5
    """No statement of ours runs longer."""

    def __post_init__(self) -> None:
        if self.time_zone is not None and not re.fullmatch(r"[+-][01]\d:[0-5]\d|[A-Za-z_/]+", self.time_zone):
            raise ValueError("'time_zone' must be an offset such as '+00:00', or a zone's name")
