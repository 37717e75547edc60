"""Settings of the AI services behind a system: where the system reports what quota is left."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import settings


@settings
class Ai:
    """The document in which the http service tells its quota, its cost, and whether it does without."""

    path: str
    """Its address."""
    provider: str = "provider"
    """The field with the provider's name, dots for nesting."""
    state: str | None = None
    """The field with the provider's state, where there is one."""
    up: list[str] = field(default_factory=lambda: ["ok", "up", "healthy"])
    """The words in it that mean up, in any case."""
    used: str = "quota.used"
    """The field with what is used of the quota."""
    limit: str = "quota.limit"
    """The field with the quota."""
    cost: str = "cost.today"
    """The field with today's cost."""
    cost_limit: str = "cost.daily_limit"
    """The field with the most it may cost a day."""
    degraded: str = "degraded"
    """The field that is true where the system does without AI."""
