"""Differences between the schema and what the release needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.names import DATABASE, TABLES

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

LEGACY = "reverseai_legacy"


def _rename(lab: Lab, tables: Sequence[str]) -> Iterator[None]:
    server = system(lab).mariadb
    server.run(*(f"RENAME TABLE {DATABASE}.{table} TO {DATABASE}.lab_hidden_{table}" for table in tables))
    yield
    server.run(*(f"RENAME TABLE {DATABASE}.lab_hidden_{table} TO {DATABASE}.{table}" for table in tables))


@fault("migration.missing", cause="never-applied")
def no_tables(lab: Lab) -> Iterator[None]:
    yield from _rename(lab, TABLES)


@fault("migration.missing", cause="partly-applied")
def two_tables_missing(lab: Lab) -> Iterator[None]:
    yield from _rename(lab, ["what_reverse_runtime_events", "what_reverse_node_logs"])


@fault("migration.missing", cause="wrong-schema")
def tables_in_another_schema(lab: Lab) -> Iterator[None]:
    """Only the superuser can read the table."""
    server = system(lab).mariadb
    server.run(f"CREATE DATABASE {LEGACY}")
    server.run(*(f"RENAME TABLE {DATABASE}.{table} TO {LEGACY}.{table}" for table in TABLES))
    yield
    server.run(*(f"RENAME TABLE {LEGACY}.{table} TO {DATABASE}.{table}" for table in TABLES))
    server.run(f"DROP DATABASE {LEGACY}")
