"""Faults of ReverseAI: one module per area, one function per cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.registry import FaultsOf

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.reverseai.system import ReverseAi

fault = FaultsOf("reverseai")


def system(lab: Lab) -> ReverseAi:
    """The system that these faults break."""
    return lab.reverseai
