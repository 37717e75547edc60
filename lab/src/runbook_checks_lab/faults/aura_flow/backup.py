"""Unusable backups of Aura Flow, and missing restore drills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import DRILLED_DAYS
from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import backups

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

backups.stale(fault, system)
backups.corrupt(fault, system)
backups.not_restorable(fault, system)


@fault("backup.drill-overdue", cause="never-drilled")
def nothing_noted(lab: Lab) -> Iterator[None]:
    lab.aura_flow.drills.path.unlink()
    yield
    lab.aura_flow.drills.note(DRILLED_DAYS)


@fault("backup.drill-overdue", cause="overdue")
def noted_long_ago(lab: Lab) -> Iterator[None]:
    lab.aura_flow.drills.note(75)
    yield
    lab.aura_flow.drills.note(DRILLED_DAYS)
