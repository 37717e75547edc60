"""PostgreSQL unreachable, without a free connection, or overloaded."""

from __future__ import annotations

from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import postgres, strain

postgres.unreachable(fault, system)
postgres.exhausted(fault, system)
strain.long_running(fault, system)
strain.slow_queries(fault, system, "insights")
strain.lock_waits(fault, system, "users", "id")
