"""A PostgreSQL schema without what the release needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithPostgres

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf


def missing(fault: FaultsOf, of: Of[WithPostgres], tables: Sequence[str], some: Sequence[str]) -> None:
    """`some` are the tables that an interrupted migration did not create."""

    def run(lab: Lab, *statements: str) -> None:
        of(lab).postgres.run(*statements, database=of(lab).database)

    def hidden(lab: Lab, names: Sequence[str]) -> Iterator[None]:
        run(lab, *(f"ALTER TABLE public.{name} RENAME TO lab_hidden_{name}" for name in names))
        yield
        run(lab, *(f"ALTER TABLE public.lab_hidden_{name} RENAME TO {name}" for name in names))

    @fault("migration.missing", cause="never-applied")
    def no_tables(lab: Lab) -> Iterator[None]:
        yield from hidden(lab, tables)

    @fault("migration.missing", cause="partly-applied")
    def some_tables_missing(lab: Lab) -> Iterator[None]:
        yield from hidden(lab, some)

    @fault("migration.missing", cause="wrong-schema")
    def tables_in_another_schema(lab: Lab) -> Iterator[None]:
        roles = f"{of(lab).service_role}, {of(lab).monitor_role}"
        run(lab, "CREATE SCHEMA legacy", f"GRANT USAGE ON SCHEMA legacy TO {roles}")
        run(lab, *(f"ALTER TABLE public.{name} SET SCHEMA legacy" for name in tables))
        yield
        run(lab, *(f"ALTER TABLE legacy.{name} SET SCHEMA public" for name in tables), "DROP SCHEMA legacy")
