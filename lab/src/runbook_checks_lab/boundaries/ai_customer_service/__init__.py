"""Where are the limits of AI Customer Service? One module per area."""

from __future__ import annotations

from runbook_checks_lab.registry import BoundariesOf

boundary = BoundariesOf("ai-customer-service")
