"""Differences between the schema and what the release needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runbook_checks_lab.customer_service.names import DATABASE, TABLES
from runbook_checks_lab.faults.ai_customer_service import fault, system
from runbook_checks_lab.faults.shared import migration

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


def _run(lab: Lab, statements: Sequence[str]) -> None:
    lab.customer_service.postgres.run(*statements, database=DATABASE)


migration.missing(fault, system, TABLES, ["cs_audit_logs", "cs_message_dedup"])


@fault("migration.permission-denied", cause="no-create-privilege")
def may_not_create(lab: Lab) -> Iterator[None]:
    _run(lab, ["REVOKE CREATE ON SCHEMA public FROM ai_cs"])
    yield
    _run(lab, ["GRANT CREATE ON SCHEMA public TO ai_cs"])


def _retype(lab: Lab, kind: str) -> None:
    alter = "ALTER TABLE cs_audit_logs ALTER COLUMN id"
    default = f"{alter} SET DEFAULT gen_random_uuid()" + ("::text" if kind == "text" else "")
    _run(lab, [f"{alter} DROP DEFAULT", f"{alter} TYPE {kind} USING id::{kind}", default])


@fault("migration.column-drift", cause="wrong-type")
def audit_id_is_text(lab: Lab) -> Iterator[None]:
    _retype(lab, "text")
    yield
    _retype(lab, "uuid")


@fault("migration.column-drift", cause="column-missing")
def audit_id_renamed(lab: Lab) -> Iterator[None]:
    _run(lab, ["ALTER TABLE cs_audit_logs RENAME COLUMN id TO audit_id"])
    yield
    _run(lab, ["ALTER TABLE cs_audit_logs RENAME COLUMN audit_id TO id"])
