"""Limits of ReverseAI; one module per area."""

from __future__ import annotations

from runbook_checks_lab.registry import BoundariesOf

boundary = BoundariesOf("reverseai")
