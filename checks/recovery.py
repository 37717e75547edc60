"""Whether a workspace's data can be recovered now."""

from __future__ import annotations

import pytest

from runbook_checks import Found, symptom
from runbook_checks.handles.tables import in_path
from runbook_checks.handles.workspaces import Workspaces


@symptom("recovery.not-possible")
def check_recovery_could_begin(workspaces: Workspaces) -> None:
    """A customer who lost data is waiting, so obstacles to a recovery should be known in advance."""
    named = workspaces.settings.recover
    if not named:
        pytest.skip("no workspace is configured for recovery (workspaces.recover)")
    found = []
    for workspace, document in workspaces.databases(named):
        status, backup = workspaces.state(document, workspace), workspaces.backup(document, workspace)
        evidence = {"subject": workspace, "workspace": in_path(workspace), "status": status, "api": workspaces.url}
        if status != "ready":
            seen = f"the database of {workspace} is {status}"
            found.append(Found("database-not-ready", seen=seen, wanted="ready", **evidence))
        if backup is None:
            seen = f"{workspace} has no backup"
            found.append(Found("no-backup", seen=seen, wanted="a backup with an id", **evidence))
    Found.all(found)
