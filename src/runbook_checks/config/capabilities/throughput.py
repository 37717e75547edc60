"""Settings of a burst of requests: its path, its size, and where it is allowed."""

from __future__ import annotations

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings


@settings
class Throughput:
    """A bounded burst against a harmless read path of the http service."""

    path: str
    """The path; GET must change nothing."""
    requests_per_s: PositiveFloat
    """The objective; at most a tenth more is sent."""
    seconds: PositiveFloat = 3
    """The duration of the burst."""
    connections: PositiveInt = 32
    """The number of concurrent callers."""
    most_failed_percent: float = 0.1
    """The share of responses that may be errors."""
    in_production: bool = False
    """The burst is allowed in a production environment."""

    def __post_init__(self) -> None:
        if self.seconds > 30 or self.connections > 256:
            raise ValueError("'seconds' must not be above 30, 'connections' not above 256: this is not a load test")
