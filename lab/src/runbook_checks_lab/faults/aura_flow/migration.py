"""Differences between the schema and what the release needs, and inconsistent migration records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import DATABASE, MIGRATION, TABLES
from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import migration

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

migration.missing(fault, system, (*TABLES, "_prisma_migrations"), ("uploads",))


def _run(lab: Lab, statement: str) -> None:
    lab.aura_flow.postgres.run(statement, database=DATABASE)


def _noted(lab: Lab, *more: str) -> Iterator[None]:
    _run(
        lab,
        "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('next', 'none', '20260502120000_teams')",
    )
    for statement in more:
        _run(lab, statement)
    yield
    _run(lab, "DELETE FROM _prisma_migrations WHERE id = 'next'")


@fault("migration.unfinished", cause="started-not-finished")
def stopped_halfway(lab: Lab) -> Iterator[None]:
    yield from _noted(lab)


@fault("migration.unfinished", cause="ahead")
def newer_release_was_here(lab: Lab) -> Iterator[None]:
    yield from _noted(lab, "UPDATE _prisma_migrations SET finished_at = now() WHERE id = 'next'")


@fault("migration.unfinished", cause="behind")
def newest_not_applied(lab: Lab) -> Iterator[None]:
    """The newest migration has another name and sorts before the others."""
    rename = "UPDATE _prisma_migrations SET migration_name = '{}' WHERE migration_name = '{}'"
    before = "20251204110000_before"
    _run(lab, rename.format(before, MIGRATION))
    yield
    _run(lab, rename.format(MIGRATION, before))
