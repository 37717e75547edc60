"""Outages of Prometheus, and states that only look like an outage or a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithMetrics
from runbook_checks_lab.servers.traffic import failing

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import OutagesOf


def unseen(outage: OutagesOf, of: Of[WithMetrics], *symptoms: str) -> None:
    """Outages of Prometheus that hide `symptoms`."""

    @outage("prometheus-stopped", *symptoms)
    def stopped(lab: Lab) -> None:
        of(lab).prometheus.behaviour.is_running = False

    @outage("prometheus-login-refused", *symptoms)
    def login_refused(lab: Lab) -> None:
        of(lab).prometheus.behaviour.login = "another"

    @outage("metrics-stale", *symptoms)
    def stale(lab: Lab) -> None:
        of(lab).prometheus.behaviour.ended_ago_s = 200.0

    @outage("metrics-target-gone", *symptoms)
    def gone(lab: Lab) -> None:
        of(lab).prometheus.behaviour.ended_ago_s = 900.0

    @outage("metrics-of-requests-absent", "slo.error-rate", "slo.latency")
    def absent(lab: Lab) -> None:
        of(lab).prometheus.behaviour.absent = ("http_requests_total", "http_request_duration_seconds_bucket")

    @outage("metrics-last-bucket-too-low", "slo.latency")
    def quantiles_beyond_the_last_bucket(lab: Lab) -> None:
        of(lab).prometheus.behaviour.bounds_s = (0.01, 0.025, 0.05)

    @outage("metrics-target-restarted")
    def counters_reset(lab: Lab) -> None:
        """Nothing is hidden: a counter that falls was reset."""
        of(lab).prometheus.behaviour.restarted_ago_s = 130.0

    @outage("metrics-little-traffic")
    def few_requests(lab: Lab) -> None:
        """Half of very few requests fail, which is not significant."""
        behaviour = of(lab).prometheus.behaviour
        behaviour.requests_a_second, behaviour.shares = 0.05, failing(0.5)
