"""Bad values in a service's own metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithMetrics
from runbook_checks_lab.servers.traffic import failing

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf


def error_rate(fault: FaultsOf, of: Of[WithMetrics], over_objective: float, over_alert: float) -> None:
    """slo.error-rate, by shares of requests that fail."""

    def register(cause: str, share: float) -> None:
        @fault("slo.error-rate", cause=cause)
        def requests_fail(lab: Lab) -> None:
            of(lab).prometheus.behaviour.shares = failing(share)

    register("over-objective", over_objective)
    register("over-alert", over_alert)


def latency(fault: FaultsOf, of: Of[WithMetrics], over_objective_s: float, over_alert_s: float) -> None:
    """slo.latency, by a mean duration; P95 is three times the mean."""

    def register(cause: str, mean_s: float) -> None:
        @fault("slo.latency", cause=cause)
        def requests_take_long(lab: Lab) -> None:
            of(lab).prometheus.behaviour.mean_s = mean_s

    register("over-objective", over_objective_s)
    register("over-alert", over_alert_s)
