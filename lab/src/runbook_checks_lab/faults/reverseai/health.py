"""A health address that is unreachable, wrong or slow."""

from __future__ import annotations

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.faults.shared import health
from runbook_checks_lab.reverseai.names import HEALTH, PREFIX

DATABASE_DOWN = {"status": "degraded", "components": {"database": {"status": "down"}}}
NOTHING_DOWN = {"status": "degraded", "components": {"database": {"status": "ok"}}}

health.unreachable(fault, system)
health.server_error(fault, system)
unwell = {"component-down": DATABASE_DOWN, "status-down": NOTHING_DOWN}
health.documents(fault, system, "health.degraded", HEALTH, unwell)
health.slow(fault, system)
health.wrong_version(fault, system)
health.key_function(fault, system, f"GET {PREFIX}/admin/ops/sops", {"procedures": []}, {"sops": []})
