"""Exhausted resources of Aura Flow's host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.metrics import DISK
from runbook_checks_lab.faults.aura_flow import fault
from runbook_checks_lab.faults.aura_flow.slo import metrics_of

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("capacity.disk", cause="nearly-full")
def disk_at_ninety_percent(lab: Lab) -> None:
    metrics_of(lab).disk_used = 0.9


@fault("capacity.disk", cause="filling-fast")
def disk_fills_within_hours(lab: Lab) -> None:
    metrics_of(lab).disk_used = 0.7
    metrics_of(lab).disk_grows_a_second = DISK * 0.3 / (8 * 3600)


@fault("capacity.memory", cause="nearly-full")
def memory_at_ninety_five_percent(lab: Lab) -> None:
    metrics_of(lab).memory_used = 0.95


@fault("capacity.cpu", cause="saturated")
def processors_busy(lab: Lab) -> None:
    metrics_of(lab).busy = 0.97
