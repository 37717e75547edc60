"""Settings of a PostgreSQL database: its DSN, the tables it must hold, its limits."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text

LedgerKind = Literal["prisma", "alembic", "django", "flyway", "golang-migrate", "rails", "goose"]


@settings
class Retention:
    """How long a table keeps its rows."""

    days: PositiveFloat
    """Older rows should be gone."""
    column: str = "created_at"
    """The column with a row's age."""
    status_column: str | None = None
    """The rule holds for rows that have `status` in this column; without it, for all."""
    status: str = ""
    """The value of that column."""


@settings
class Ledger:
    """The table in which a migration tool records its migrations."""

    kind: LedgerKind | None = None
    """The migration tool: its table and columns are known. Without one, the keys below describe the table."""
    table: str | None = None
    """The table; without it, the tool's usual one, and without a tool Prisma's `_prisma_migrations`."""
    name: str = "migration_name"
    """The column with a migration's name; names sort in the order of time."""
    finished: str | None = "finished_at"
    """The column with a time, or true, once a migration is finished; null without such a column."""
    rolled_back: str | None = "rolled_back_at"
    """The column with a time, or true, where one was rolled back; null without such a column."""
    expected: Text | None = None
    """The newest migration of the release: Alembic's heads, Django's APP.NAME (several with blanks between them)."""

    def __post_init__(self) -> None:
        usual = (self.name, self.finished, self.rolled_back) == ("migration_name", "finished_at", "rolled_back_at")
        if self.kind and not usual:
            raise ValueError("'kind' knows the tool's columns: leave out 'name', 'finished' and 'rolled_back'")


@settings
class Postgres:
    """A PostgreSQL database, read by a role that may only read."""

    dsn: Secret
    """The monitor role's DSN, postgresql://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full, or key=value pairs."""
    schema: str = "public"
    """The schema that holds the service's tables."""
    tables: list[str] = field(default_factory=list)
    """The tables a release needs."""
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    """Table to column to the type it must have, for columns that have been seen to break."""
    ledger: Ledger | None = None
    """Where migrations are recorded."""
    service_role: str | None = None
    """The role the service and its migrations run as."""
    connections_warn_percent: PositiveFloat = 80
    """Connections in use, of the server's maximum, from which they count as exhausted."""
    long_running_s: PositiveFloat = 60
    """The longest time for a statement, and for a transaction that is idle."""
    slow_statement_ms: PositiveFloat = 100
    """A statement's mean time above which it is slow."""
    felt_statement_ms: PositiveFloat = 500
    """A mean time above which users notice it, and the finding has the symptom's severity."""
    slow_statement_calls: PositiveInt = 5
    """Statements with fewer calls are ignored."""
    lock_wait_s: PositiveFloat = 1
    """The longest wait for a lock."""
    idle_s: PositiveFloat = 300
    """The longest idle time of a session."""
    statistics_days: PositiveFloat = 7
    """Counters of tables and indexes are used once they cover this many days."""
    dead_rows: PositiveInt = 1000
    """Fewer dead rows in a table are never too many."""
    dead_rows_percent: PositiveFloat = 40
    """The share of a table's rows that may be dead; autovacuum starts at about half of it."""
    vacuum_h: PositiveFloat = 24
    """The hours within which a vacuum is recent."""
    retention: dict[str, Retention] = field(default_factory=dict)
    """Table to how long it keeps its rows."""
    connect_timeout_s: PositiveFloat = 4
    """A connection must be there within this time."""
    statement_timeout_s: PositiveFloat = 5
    """The longest time for one statement of ours."""
