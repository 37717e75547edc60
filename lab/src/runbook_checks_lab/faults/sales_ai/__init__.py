"""Faults of Sales AI: one module per area, one function per cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.registry import FaultsOf

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.sales_ai.system import SalesAi

fault = FaultsOf("sales-ai")


def system(lab: Lab) -> SalesAi:
    """The system that these faults break."""
    return lab.sales_ai
