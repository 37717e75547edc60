"""Settings of an OpenAPI document: its address, and how much of it is tried."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import settings
from runbook_checks.config.secrets import Text


@settings
class OpenApi:
    """An OpenAPI document of the http service."""

    document: Text
    """Its address below http.base_url, or a file."""
    examples: int = 3
    """How many requests are generated for each operation."""
    ignore: list[str] = field(default_factory=list)
    """Operations left out, such as 'GET /export'."""
