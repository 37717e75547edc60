"""States in which the recovery of a workspace does not start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.names import DATABASE, RECOVERABLE

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

RECORDS = f"{DATABASE}.what_reverse_workspace_databases"


@fault("recovery.not-possible", cause="database-not-ready")
def database_is_being_made(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    kept = server.rows(f"SELECT updated_at FROM {RECORDS} WHERE workspace_id = %s", (RECOVERABLE,))[0]  # noqa: S608
    change = f"UPDATE {RECORDS} SET status = '{{}}', updated_at = {{}} WHERE workspace_id = '{RECOVERABLE}'"  # noqa: S608
    server.run(change.format("provisioning", "NOW(3)"))
    yield
    server.run(change.format("ready", f"'{kept['updated_at']}'"))


@fault("recovery.not-possible", cause="no-backup")
def nothing_to_go_back_to(lab: Lab) -> None:
    system(lab).service.behaviour.backups[RECOVERABLE] = None
