"""Missed objectives in ReverseAI's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.faults.shared import metrics

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

metrics.error_rate(fault, system, over_objective=0.02, over_alert=0.08)
metrics.latency(fault, system, over_objective_s=0.45, over_alert_s=0.9)


@fault("slo.execution-success", cause="low-success")
def a_fifth_is_not_completed(lab: Lab) -> None:
    lab.reverseai.prometheus.behaviour.completed = 0.8
