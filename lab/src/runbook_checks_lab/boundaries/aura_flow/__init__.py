"""Limits of Aura Flow; one module per area."""

from __future__ import annotations

from functools import partial

from runbook_checks_lab.boundaries import states
from runbook_checks_lab.registry import BoundariesOf

boundary = BoundariesOf("aura-flow")
responds = partial(states.responds, lambda lab: lab.aura_flow.service.behaviour)
