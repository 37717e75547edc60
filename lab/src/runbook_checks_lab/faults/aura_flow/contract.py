"""API responses that violate the OpenAPI document."""

from __future__ import annotations

from runbook_checks_lab.aura_flow.names import DOCUMENT, PLANS
from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import contract

contract.violated(fault, system, PLANS, {"plans": [{"id": 7, "title": ["free"], "price": "a lot"}]}, DOCUMENT)
