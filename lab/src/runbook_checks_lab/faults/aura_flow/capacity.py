"""What can the host of Aura Flow run out of?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.metrics import DISK
from runbook_checks_lab.faults.aura_flow import fault
from runbook_checks_lab.faults.aura_flow.slo import told

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("capacity.disk", cause="nearly-full")
def disk_at_ninety_percent(lab: Lab) -> None:
    told(lab).disk_used = 0.9


@fault("capacity.disk", cause="filling-fast")
def disk_fills_within_hours(lab: Lab) -> None:
    told(lab).disk_used = 0.7
    told(lab).disk_grows_a_second = DISK * 0.3 / (8 * 3600)


@fault("capacity.memory", cause="nearly-full")
def memory_at_ninety_five_percent(lab: Lab) -> None:
    told(lab).memory_used = 0.95


@fault("capacity.cpu", cause="saturated")
def processors_busy(lab: Lab) -> None:
    told(lab).busy = 0.97
