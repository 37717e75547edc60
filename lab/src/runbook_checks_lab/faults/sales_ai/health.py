"""A health address that is unreachable, wrong or slow."""

from __future__ import annotations

from runbook_checks_lab.faults.sales_ai import fault, system
from runbook_checks_lab.faults.shared import health
from runbook_checks_lab.sales_ai.names import CONVERSATIONS, HEALTH

QUEUE_DOWN = {"status": "degraded", "components": {"database": {"status": "ok"}, "queue": {"status": "failing"}}}
NOTHING_DOWN = {"status": "degraded", "components": {"database": {"status": "ok"}, "queue": {"status": "ok"}}}

health.unreachable(fault, system)
health.server_error(fault, system)
health.documents(fault, system, "health.degraded", HEALTH, {"component-down": QUEUE_DOWN, "status-down": NOTHING_DOWN})
health.slow(fault, system)
health.wrong_version(fault, system)
health.clock_drift(fault, system)
health.key_function(fault, system, f"GET {CONVERSATIONS}", {"items": []}, {"conversations": []})
