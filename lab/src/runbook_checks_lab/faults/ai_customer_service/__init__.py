"""Faults of AI Customer Service: one module per area, one function per cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.registry import FaultsOf

if TYPE_CHECKING:
    from runbook_checks_lab.customer_service.system import CustomerService
    from runbook_checks_lab.lab import Lab

fault = FaultsOf("ai-customer-service")


def system(lab: Lab) -> CustomerService:
    """The system that these faults break."""
    return lab.customer_service
