"""Limits of AI Customer Service; one module per area."""

from __future__ import annotations

from runbook_checks_lab.registry import BoundariesOf

boundary = BoundariesOf("ai-customer-service")
