"""PostgreSQL unreachable, or without a free connection."""

from __future__ import annotations

from runbook_checks_lab.faults.ai_customer_service import fault, system
from runbook_checks_lab.faults.shared import postgres

postgres.unreachable(fault, system)
postgres.exhausted(fault, system)
