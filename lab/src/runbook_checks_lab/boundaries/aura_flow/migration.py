"""Migrations that were started more than once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import DATABASE, MIGRATION
from runbook_checks_lab.boundaries.aura_flow import boundary

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

INSERT = "INSERT INTO _prisma_migrations (id, checksum, migration_name, rolled_back_at) VALUES ('{}', 'none', '{}', {})"


def _noted(name: str, rolled_back: str) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        run = lab.aura_flow.postgres.run
        run(INSERT.format("again", name, rolled_back), database=DATABASE)
        yield
        run("DELETE FROM _prisma_migrations WHERE id = 'again'", database=DATABASE)

    return body


boundary("migration.unfinished", "rolled-back-and-applied-again")(_noted(MIGRATION, "now()"))
boundary("migration.unfinished", "begun-again-and-applied")(_noted(MIGRATION, "NULL"))
boundary("migration.unfinished", "rolled-back-for-good")(_noted("20260502120000_teams", "now()"))
