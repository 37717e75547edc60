"""Check that the schema matches the release: tables, columns, migrations, and the privilege to create tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.backing import Ledger
from runbook_checks.handles.database import Database
from runbook_checks.handles.postgres import PostgresDatabase

if TYPE_CHECKING:
    from runbook_checks.probes.sql.ledgers import Entry

ROLLED_BACK = "rolled back and not applied since"
_COLUMNS = """
    SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = ANY(%s)
"""
_MAY_CREATE = "SELECT has_schema_privilege(%s, %s, 'CREATE') AS may"


@symptom("migration.missing")
def check_tables_exist(database: Database) -> None:
    """A release whose tables are missing fails at the first query that needs one of them."""
    schema, wanted = database.settings.schema, database.settings.tables
    if not wanted:
        what = f"{database.resource}.tables is not configured: name the tables that the release needs"
        raise NoReading(database.resource, what, kind="no-source")
    places = database.places(wanted)
    missing = [table for table in wanted if schema not in places.get(table, [])]
    if not missing:
        return
    elsewhere = sorted({place for table in missing for place in places.get(table, [])})
    cause = "wrong-schema" if elsewhere else "never-applied" if len(missing) == len(wanted) else "partly-applied"
    where = f"; found in {', '.join(elsewhere)}" if elsewhere else ""
    raise Found(
        cause,
        seen=f"{len(missing)} of {len(wanted)} tables are not in {schema}: {', '.join(missing)}{where}",
        wanted=f"all in {schema}",
        tables=", ".join(missing),
        schema=schema,
        found_in=", ".join(elsewhere) or "no schema",
        database=database.name,
    )


@symptom("migration.permission-denied")
def check_role_may_create(postgres: PostgresDatabase) -> None:
    """Migrations run as the service's role. Without the CREATE privilege they stop halfway."""
    role, schema = postgres.settings.service_role, postgres.settings.schema
    if role is None:
        raise NoReading(
            "postgres",
            "postgres.service_role is not configured",
            kind="no-source",
        )
    if not postgres.row(_MAY_CREATE, role, schema)["may"]:
        raise Found(
            "no-create-privilege",
            seen=f"{role} may not create in schema {schema} of {postgres.name}",
            wanted=f"CREATE on schema {schema}, or a role that owns the database",
            role=role,
            schema=schema,
            database=postgres.name,
        )


@symptom("migration.column-drift")
def check_columns_have_their_types(postgres: PostgresDatabase) -> None:
    """A column of another type accepts some values and rejects others, so that single rows are lost."""
    schema, wanted = postgres.settings.schema, postgres.settings.columns
    if not wanted:
        raise NoReading("postgres", "postgres.columns is not configured", kind="no-source")
    rows = postgres.rows(_COLUMNS, schema, list(wanted))
    types = {(row["table"], row["column"]): row["type"] for row in rows}
    absent = [table for table in wanted if table not in {row["table"] for row in rows}]
    if absent:
        raise NoReading("postgres", f"the table {schema}.{absent[0]} does not exist", kind="undefined-table")
    Found.all(
        Found(
            "wrong-type" if (table, column) in types else "column-missing",
            seen=f"{table}.{column} is {types.get((table, column), 'not there')}",
            wanted=f"{table}.{column} {expected}",
            subject=f"{table}.{column}",
            table=table,
            column=column,
            type=types.get((table, column), "none"),
            expected=expected,
        )
        for table, columns in wanted.items()
        for column, expected in columns.items()
        if types.get((table, column)) != expected
    )


@symptom("migration.unfinished")
def check_ledger_is_even(ledger: Ledger) -> None:
    """A migration that stopped halfway leaves a schema that fits neither the old release nor the new one."""
    entries, expected = ledger.entries(), ledger.expected
    unfinished = [one.name for one in entries if one.state == "unfinished"]
    if unfinished:
        raise _not_finished(ledger, "begun and not finished", unfinished)
    _require_applied_again(ledger, entries)
    if expected is None:
        pytest.skip("postgres.ledger.expected does not say which migration should be the newest")
    difference = ledger.difference(entries)
    if difference is None:
        return
    found = Found(
        difference.cause,
        seen=f"the newest migration is {difference.newest}",
        wanted=difference.expected,
        newest=difference.newest,
        expected=difference.expected,
        table=ledger.table,
    )
    raise found.among(("behind", "ahead"), {"started-not-finished": "Alembic records finished migrations only"})


def _require_applied_again(ledger: Ledger, entries: list[Entry]) -> None:
    """Found, or NoReading, where the last migration was rolled back. One before others was given up for good."""
    versions = [one for one in entries if one.version is not None]
    rolled_back = [one.name for one in versions if one.state == "rolled-back"]
    if ledger.expected in rolled_back:
        raise _not_finished(ledger, ROLLED_BACK, [str(ledger.expected)])
    if ledger.expected is None and versions and versions[-1].state == "rolled-back":
        what = f"{versions[-1].name} was {ROLLED_BACK}; write postgres.ledger.expected to say whether it is needed"
        raise NoReading("postgres", what, kind="no-source")


def _not_finished(ledger: Ledger, state: str, names: list[str]) -> Found:
    return Found(
        "started-not-finished",
        seen=f"{state}: {', '.join(names)}",
        wanted="every migration that was begun is finished",
        migration=names[0],
        state=state,
        table=ledger.table,
    )
