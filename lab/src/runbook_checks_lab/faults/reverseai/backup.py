"""Unusable backups of the workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.names import WORKSPACES
from runbook_checks_lab.reverseai.rules import backup

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

LATE = WORKSPACES[3]


@fault("backup.stale", cause="none")
def never_backed_up(lab: Lab) -> None:
    system(lab).service.behaviour.backups[LATE] = None


@fault("backup.stale", cause="too-old")
def backed_up_days_ago(lab: Lab) -> None:
    system(lab).service.behaviour.backups[LATE] = backup(LATE, 53)
