"""Where are the limits of AI Customer Service? One module per area."""

from __future__ import annotations

from lab.registry import EdgesOf

edge = EdgesOf("ai-customer-service")
