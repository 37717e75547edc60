"""Settings of the AI services behind a system: where the system reports its quota."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import settings


@settings
class Ai:
    """The document in which the http service reports its AI quota, its cost, and whether it runs without AI."""

    path: str
    """Its path."""
    provider: str = "provider"
    """The field with the provider's name, dots for nesting."""
    state: str | None = None
    """The field with the provider's state, if there is one."""
    up: list[str] = field(default_factory=lambda: ["ok", "up", "healthy"])
    """The values that mean up, in any case."""
    used: str = "quota.used"
    """The field with the used quota."""
    limit: str = "quota.limit"
    """The field with the quota."""
    cost: str = "cost.today"
    """The field with today's cost."""
    cost_limit: str = "cost.daily_limit"
    """The field with the limit of the daily cost."""
    degraded: str = "degraded"
    """The field that is true where the system runs without AI."""
