"""Wrong variables and a wrong address of the back end that is about to start."""

from __future__ import annotations

from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import preflight

preflight.variables(fault, system, some="CORS_ORIGIN", dsn="DATABASE_URL", secret="JWT_SECRET")  # noqa: S106  a name
preflight.wrong_mode(fault, system, "NODE_ENV")
preflight.address_in_use(fault, system, "node")
