"""API responses that violate the OpenAPI document."""

from __future__ import annotations

from runbook_checks_lab.customer_service.names import PREFIX
from runbook_checks_lab.faults.ai_customer_service import fault, system
from runbook_checks_lab.faults.shared import contract

NUMBERED = {"tickets": [{"id": 17, "subject": ["a", "list"], "priority": "high"}]}

contract.violated(fault, system, f"{PREFIX}/tickets", NUMBERED)
