"""Health addresses that are unreachable, wrong or slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import HEALTH, INSIGHTS, METRICS, PREVIOUS, VERSION
from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import health

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

REDIS_DOWN = {"status": "degraded", "version": VERSION, "components": {"redis": {"status": "down"}}}
NOTHING_DOWN = {"status": "degraded", "version": VERSION, "components": {}}

health.unreachable(fault, system)
health.server_error(fault, system)
unwell = {"component-down": REDIS_DOWN, "status-down": NOTHING_DOWN}
health.documents(fault, system, "health.degraded", HEALTH, unwell)
health.slow(fault, system)
health.wrong_version(fault, system, expected=VERSION, old=PREVIOUS)
health.clock_drift(fault, system)
health.key_function(
    fault, system, f"POST {INSIGHTS}", {"status": "queued", "insights": []}, {"status": "ready", "insights": []}
)


@fault("health.metrics-unreadable", cause="not-found")
def metrics_not_set_up(lab: Lab) -> None:
    health.say(system(lab), METRICS, 404, {"error": "Not Found"})


@fault("health.metrics-unreadable", cause="not-parseable")
def metrics_are_json(lab: Lab) -> None:
    health.say(system(lab), METRICS, 200, {"http_requests_total": 4711})
