"""Could a workspace's data be recovered, now?"""

from __future__ import annotations

import pytest

from runbook_checks import Found, symptom
from runbook_checks.handles.tables import in_path
from runbook_checks.handles.workspaces import Workspaces


@symptom("recovery.not-possible")
def check_recovery_could_begin(workspaces: Workspaces) -> None:
    """Whoever has lost data is waiting; what keeps a recovery from beginning had better be known beforehand."""
    named = workspaces.settings.recover
    if not named:
        pytest.skip("no workspace is named for recovery (workspaces.recover)")
    found = []
    for workspace, told in workspaces.databases(named):
        status, backup = workspaces.state(told, workspace), workspaces.backup(told, workspace)
        evidence = {"subject": workspace, "workspace": in_path(workspace), "status": status, "api": workspaces.url}
        if status != "ready":
            seen = f"the database of {workspace} is {status}"
            found.append(Found("database-not-ready", seen=seen, wanted="ready", **evidence))
        if backup is None:
            seen = f"{workspace} has no backup to go back to"
            found.append(Found("no-backup", seen=seen, wanted="a backup with an id", **evidence))
    Found.all(found)
