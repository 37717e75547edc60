"""Missed objectives in Aura Flow's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.metrics import DAY_S
from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import metrics

if TYPE_CHECKING:
    from runbook_checks_lab.aura_flow.metrics import AuraMetrics
    from runbook_checks_lab.lab import Lab

metrics.error_rate(fault, system, over_objective=0.004, over_alert=0.02)
metrics.latency(fault, system, over_objective_s=0.1, over_alert_s=0.3)


def metrics_of(lab: Lab) -> AuraMetrics:
    """The values that the metrics show, for a fault to change."""
    behaviour: AuraMetrics = lab.aura_flow.prometheus.behaviour
    return behaviour


@fault("slo.availability", cause="budget-spent")
def an_hour_down_last_week(lab: Lab) -> None:
    metrics_of(lab).downtimes = ((6 * DAY_S, 3600.0),)


@fault("slo.availability", cause="over-alert")
def down_within_the_hour(lab: Lab) -> None:
    metrics_of(lab).downtimes = ((2400.0, 720.0),)


@fault("slo.database-availability", cause="over-objective")
def connections_fail_all_month(lab: Lab) -> None:
    metrics_of(lab).failing_connections = metrics_of(lab).failing_lately = 0.002


@fault("slo.throughput", cause="below-objective")
def nginx_slow(lab: Lab) -> None:
    lab.aura_flow.proxy.behaviour.limit = "burst=500"


@fault("slo.throughput", cause="errors-under-load")
def nginx_rejects(lab: Lab) -> None:
    lab.aura_flow.proxy.behaviour.limit = "burst=10 nodelay"
