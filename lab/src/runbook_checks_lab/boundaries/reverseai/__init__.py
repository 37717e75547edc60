"""Where are the limits of ReverseAI? One module per area."""

from __future__ import annotations

from runbook_checks_lab.registry import BoundariesOf

boundary = BoundariesOf("reverseai")
