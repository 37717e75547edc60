"""How can the health addresses be out of reach, wrong or slow?"""

from __future__ import annotations

from lab.aura_flow.names import HEALTH, PREVIOUS, VERSION
from lab.faults.aura_flow import fault, system
from lab.faults.shared import health

REDIS_DOWN = {"status": "degraded", "version": VERSION, "components": {"redis": {"status": "down"}}}
NOTHING_DOWN = {"status": "degraded", "version": VERSION, "components": {}}

health.unreachable(fault, system)
health.server_error(fault, system)
unwell = {"component-down": REDIS_DOWN, "status-down": NOTHING_DOWN}
health.documents(fault, system, "health.degraded", HEALTH, unwell)
health.slow(fault, system)
health.wrong_version(fault, system, expected=VERSION, old=PREVIOUS)
