"""Settings of abuse: the events to count, and their limits."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings


@settings
class Abuse:
    """Events of abuse in the mysql database."""

    events_table: str
    """The table of events: event_type, payload_json, created_at."""
    limited_event: str = "runtime_rate_limited"
    """The type of the event for a request over a limit."""
    risk_event: str = "runtime_risk_detected"
    """The type of the event for a request that looks like an attack."""
    source_fields: list[str] = field(default_factory=lambda: ["ip_hash", "ip"])
    """The fields of a payload with the source of the request; the first that exists."""
    window_min: PositiveFloat = 15
    """The window, ending now; it is compared with the `windows` windows before it."""
    windows: PositiveInt = 4
    """The number of windows whose average is the usual count."""
    surge_factor: PositiveFloat = 3
    """This many times the usual count is a surge."""
    least: PositiveInt = 20
    """Fewer events or requests are no surge."""
    single_source_percent: PositiveFloat = 50
    """From this share on, a single source is the cause."""
    traffic: str | None = None
    """A PromQL expression for the anonymous requests of a window, {window} standing for its length, such as
    sum(increase(requests_total[{window}])). Needs prometheus."""

    def __post_init__(self) -> None:
        if self.traffic is not None and "{window}" not in self.traffic:
            raise ValueError("'traffic' must contain {window}")
