"""Unusable backups of Sales AI: dumps in R2 and branches at Neon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.sales_ai import fault, system
from runbook_checks_lab.faults.shared import backups

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("backup.stale", cause="none")
def none_left(lab: Lab) -> Iterator[None]:
    lab.sales_ai.neon.behaviour.ages_h = []
    lab.sales_ai.dumps.clear()
    yield
    lab.sales_ai.dumps.fill()


@fault("backup.stale", cause="too-old")
def branches_stopped(lab: Lab) -> Iterator[None]:
    lab.sales_ai.neon.behaviour.ages_h = [75.0, 99.0]
    lab.sales_ai.dumps.fill(age_h=backups.OLD_H)
    yield
    lab.sales_ai.dumps.fill()


backups.corrupt(fault, system)
backups.not_restorable(fault, system)
