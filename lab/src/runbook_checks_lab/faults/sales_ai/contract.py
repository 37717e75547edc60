"""API responses that violate the OpenAPI document."""

from __future__ import annotations

from runbook_checks_lab.faults.sales_ai import fault, system
from runbook_checks_lab.faults.shared import contract
from runbook_checks_lab.sales_ai.names import CONVERSATIONS

NUMBERED = {"conversations": [{"id": 17, "lead": ["a", "list"], "status": "done"}]}

contract.violated(fault, system, CONVERSATIONS, NUMBERED)
