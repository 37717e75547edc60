"""Settings of a burst of requests: its address, its size, and where it is allowed."""

from __future__ import annotations

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings


@settings
class Throughput:
    """A bounded burst against a harmless read address of the http service."""

    path: str
    """The address; GET must change nothing."""
    requests_per_s: PositiveFloat
    """The objective; no more than a tenth above it is sent."""
    seconds: PositiveFloat = 3
    """How long the burst lasts."""
    connections: PositiveInt = 32
    """How many callers there are at once."""
    most_failed_percent: float = 0.1
    """The share of answers that may be errors."""
    in_production: bool = False
    """The burst is allowed in a production environment."""

    def __post_init__(self) -> None:
        if self.seconds > 30 or self.connections > 256:
            raise ValueError("'seconds' must not be above 30, 'connections' not above 256: this is no load test")
