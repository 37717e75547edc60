"""Settings of abuse: the events to count, and how many are too many."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings


@settings
class Abuse:
    """Events that tell of abuse, in the mysql database; there wherever that is given."""

    events_table: str
    """The table of events: event_type, payload_json, created_at."""
    limited_event: str = "runtime_rate_limited"
    """The type of the event for a request over a limit."""
    risk_event: str = "runtime_risk_detected"
    """The type of the event for a request that looks like an attack."""
    source_fields: list[str] = field(default_factory=lambda: ["ip_hash", "ip"])
    """The fields of a payload that name who it was; the first that is there."""
    window_min: PositiveFloat = 15
    """The window looked at, ending now; as many of the same length before it are the yardstick as `windows` says."""
    windows: PositiveInt = 4
    """How many windows before make up what is usual."""
    surge_factor: PositiveFloat = 3
    """So many times the usual is a surge."""
    least: PositiveInt = 20
    """Fewer events, or requests, are none."""
    single_source_percent: PositiveFloat = 50
    """From this share on, one source is the surge."""
    traffic: str | None = None
    """A PromQL expression for the anonymous requests of a window, {window} standing for its length, such as
    sum(increase(requests_total[{window}])). Needs prometheus."""

    def __post_init__(self) -> None:
        if self.traffic is not None and "{window}" not in self.traffic:
            raise ValueError("'traffic' must hold {window}")
