"""Where are the limits of Aura Flow? One module per area."""

from __future__ import annotations

from functools import partial

from runbook_checks_lab.edges import states
from runbook_checks_lab.registry import EdgesOf

edge = EdgesOf("aura-flow")
says = partial(states.says, lambda lab: lab.aura_flow.service.behaviour)
