"""Read the table in which a migration tool records its migrations.

https://www.prisma.io/docs/orm/prisma-migrate, https://alembic.sqlalchemy.org, https://docs.djangoproject.com (the
model MigrationRecorder.Migration), https://documentation.red-gate.com/flyway (flyway_schema_history),
https://github.com/golang-migrate/migrate (database/postgres), https://guides.rubyonrails.org (schema_migrations),
https://github.com/pressly/goose (dialect postgres)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.ledgers import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = Callable[..., list[dict[str, Any]]]

_HIDDEN = "SELECT row_security_active(%s::text::regclass) AS hidden"
_COLUMNS = """
    SELECT a.attname AS name, t.typcategory::text AS category, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = %s::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
BOOLEAN, TIME = "B", "D"  # pg_type.typcategory


@dataclass(frozen=True)
class Tool:
    """A migration tool's table, and expressions over its columns."""

    table: str
    version: str
    state: str = "'done'"
    name: str = ""  # where it is another than the version
    recorded: str = "0"


PRISMA = "prisma"
TOOLS: Mapping[str, Tool] = {
    PRISMA: Tool(
        "_prisma_migrations",
        "migration_name",
        "CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled-back' WHEN finished_at IS NULL THEN 'unfinished'"
        " ELSE 'done' END",
    ),
    "alembic": Tool("alembic_version", "version_num"),
    "django": Tool("django_migrations", "app || '.' || name", recorded="id"),
    # A failed migration stays recorded until `flyway repair`; a row of UNDO or DELETE takes an earlier one back.
    "flyway": Tool(
        "flyway_schema_history",
        "version",
        "CASE WHEN NOT success THEN 'unfinished' WHEN type LIKE 'UNDO%' OR type = 'DELETE' THEN 'undone'"
        " ELSE 'done' END",
        name="coalesce(version, script)",
        recorded="installed_rank",
    ),
    "golang-migrate": Tool("schema_migrations", "version", "CASE WHEN dirty THEN 'unfinished' ELSE 'done' END"),
    "rails": Tool("schema_migrations", "version"),
    # Its first row, version 0, stands for no migration. Older releases record a migration that is taken back as a row.
    "goose": Tool(
        "goose_db_version",
        "nullif(version_id, 0)",
        "CASE WHEN is_applied THEN 'done' ELSE 'undone' END",
        name="version_id",
        recorded="id",
    ),
}


@dataclass(frozen=True)
class OwnTable:
    """A table that is no known tool's, by its columns; `optional` are those that it may lack."""

    name: str
    finished: str | None
    rolled_back: str | None
    optional: tuple[str, ...] = ()


def entries(rows: Rows, table: tuple[str, str], tool: Tool | OwnTable) -> list[Entry]:
    """The rows of a ledger. NoReading: no-privilege where rows may be hidden, undefined-column, unknown-type."""
    identifier = sql.Identifier(*table)
    if rows(_HIDDEN, identifier.as_string())[0]["hidden"]:
        raise NoReading("postgres", f"row security hides rows of {table[1]} from us", kind="no-privilege")
    if isinstance(tool, OwnTable):
        tool = _of_columns(table[1], tool, rows(_COLUMNS, identifier.as_string()))
    name = f"({tool.name or tool.version})::text AS name"
    columns = f"({tool.version})::text AS version, {name}, {tool.state} AS state, {tool.recorded} AS recorded"
    statement = f"SELECT {columns} FROM {identifier.as_string()}"  # noqa: S608 - written in this file, or quoted
    return [
        Entry(row["name"] or f"row {number} without a name", row["version"], row["state"], row["recorded"])
        for number, row in enumerate(rows(statement), 1)
    ]


def _of_columns(table: str, own: OwnTable, rows: list[dict[str, Any]]) -> Tool:
    columns = _Columns(table, {row["name"]: row for row in rows}, own.optional)
    back = columns.is_set(own.rolled_back, "rolled_back", without="false")
    end = own.finished == own.name or columns.is_set(own.finished, "finished", without="true")
    state = f"CASE WHEN {back} THEN 'rolled-back' WHEN {end} THEN 'done' ELSE 'unfinished' END"
    return Tool(table, columns.quoted(own.name, "name"), state)


@dataclass(frozen=True)
class _Columns:
    table: str
    found: dict[str, dict[str, Any]]
    optional: tuple[str, ...]

    def quoted(self, name: str, key: str) -> str:
        if name not in self.found:
            what = f"{self.table} has no column {name} (postgres.ledger.{key}); it has {', '.join(self.found)}"
            raise NoReading("postgres", what, kind="undefined-column")
        return sql.Identifier(name).as_string()

    def is_set(self, name: str | None, key: str, *, without: str) -> str:
        """Whether a time or a boolean says so; `without` where the table has no such column."""
        if name is None or (name in self.optional and name not in self.found):
            return without
        quoted, kind = self.quoted(name, key), self.found[name]
        if kind["category"] == BOOLEAN:
            # golang-migrate's `dirty` is true until a migration is finished.
            return f"{quoted} IS {'FALSE' if name == 'dirty' else 'TRUE'}"
        if kind["category"] != TIME:
            what = f"{self.table}.{name} (postgres.ledger.{key}) is {kind['type']}, neither a time nor a boolean"
            raise NoReading("postgres", f"{what}; write null where no column says it", kind="unknown-type")
        return f"{quoted} IS NOT NULL"
