"""What is there to know of a burst: against which address, how much of it, and where it is allowed?"""

from __future__ import annotations

from runbook_checks.config.capabilities.rules import positive, settings


@settings
class Throughput:
    """A bounded burst against a harmless read address of the http service."""

    path: str
    """The address; GET must change nothing."""
    requests_per_s: float
    """The objective; no more than a tenth above it is sent."""
    seconds: float = 3
    """How long the burst lasts."""
    connections: int = 32
    """How many callers there are at once."""
    most_failed_percent: float = 0.1
    """The share of answers that may be errors."""
    in_production: bool = False
    """The burst is allowed in a production environment."""

    def __post_init__(self) -> None:
        positive(requests_per_s=self.requests_per_s, seconds=self.seconds, connections=self.connections)
        if self.seconds > 30 or self.connections > 256:
            raise ValueError("'seconds' must not be above 30, 'connections' not above 256: this is no load test")
