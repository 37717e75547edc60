"""Tables of the same name in several schemas, and grants to a missing role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.ai_customer_service import boundary
from runbook_checks_lab.customer_service.names import DATABASE
from runbook_checks_lab.registry import untouched

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@boundary("migration.column-drift", "another-type-elsewhere")
def _archive(lab: Lab) -> Iterator[None]:
    """A table of the same name in another schema does not count."""
    run = lab.customer_service.postgres.run
    run("CREATE SCHEMA archive", "CREATE TABLE archive.cs_audit_logs (id text)", database=DATABASE)
    yield
    run("DROP SCHEMA archive CASCADE", database=DATABASE)


@boundary("migration.column-drift", "column-dropped", "column-missing")
def _dropped(lab: Lab) -> Iterator[None]:
    """The catalog keeps a dropped column under another name."""
    run = lab.customer_service.postgres.run
    run("ALTER TABLE cs_audit_logs RENAME TO lab_kept", database=DATABASE)
    run("CREATE TABLE cs_audit_logs AS TABLE lab_kept WITH NO DATA", database=DATABASE)
    run("ALTER TABLE cs_audit_logs DROP COLUMN id", database=DATABASE)
    yield
    run("DROP TABLE cs_audit_logs", "ALTER TABLE lab_kept RENAME TO cs_audit_logs", database=DATABASE)


boundary("migration.permission-denied", "no-such-role", "unknown", settings={"postgres.service_role": "absent"})(
    untouched
)
boundary("migration.permission-denied", "no-such-schema", "unknown", settings={"postgres.schema": "nowhere"})(untouched)
boundary("preflight.memory-fallback", "no-mode", "skipped", settings={"variables.mode": None})(untouched)
