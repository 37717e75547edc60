"""Faults of Aura Flow: one module per area, one function per cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.registry import FaultsOf

if TYPE_CHECKING:
    from runbook_checks_lab.aura_flow.system import AuraFlow
    from runbook_checks_lab.lab import Lab

fault = FaultsOf("aura-flow")


def system(lab: Lab) -> AuraFlow:
    return lab.aura_flow
