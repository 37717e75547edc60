"""Health addresses that are unreachable, wrong or slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.customer_service.names import LIVE, OVERALL, READY
from runbook_checks_lab.faults.ai_customer_service import fault, system
from runbook_checks_lab.faults.shared import health

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

POSTGRES_DOWN = {"status": "DOWN", "components": {"postgres": {"status": "DOWN"}}}
NOTIFIER_DOWN = {"status": "DOWN", "components": {"postgres": {"status": "UP"}, "notifier": {"status": "DOWN"}}}
NOTHING_DOWN = {"status": "DOWN", "components": {"postgres": {"status": "UP"}}}

health.unreachable(fault, system)
health.server_error(fault, system)
health.documents(fault, system, "health.not-live", LIVE, {"status-down": {"status": "DOWN"}})
health.documents(fault, system, "health.not-ready", READY, {"status-down": NOTHING_DOWN})
unwell = {"component-down": NOTIFIER_DOWN, "status-down": NOTHING_DOWN}
health.documents(fault, system, "health.degraded", OVERALL, unwell)
health.slow(fault, system)
health.wrong_version(fault, system)


@fault("health.not-ready", cause="component-down")
def postgres_reported_down(lab: Lab) -> None:
    health.say(system(lab), READY, 503, POSTGRES_DOWN)
    health.say(system(lab), OVERALL, 503, POSTGRES_DOWN)
