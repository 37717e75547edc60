"""Wrong variables of the release that is about to be deployed."""

from __future__ import annotations

from runbook_checks_lab.faults.sales_ai import fault, system
from runbook_checks_lab.faults.shared import preflight

preflight.variables(fault, system, some="SLACK_WEBHOOK_URL", dsn="DATABASE_URL", secret="SLACK_SIGNING_SECRET")  # noqa: S106  a variable's name
