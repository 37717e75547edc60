"""Settings of an environment's monitoring: how often it runs, who is alerted and where, what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from runbook_checks.config.capabilities.rules import STRICT, NonNegativeFloat, PositiveFloat, PositiveInt
from runbook_checks.config.secrets import Secret, Text

Severity = Literal["P0", "P1", "P2", "P3"]
MOST_RUNS = 20


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """When and where messages about one severity are sent."""

    __pydantic_config__ = STRICT
    channels: list[str] = field(default_factory=list)
    """The channels that get the messages; without any, findings are only recorded."""
    after: PositiveInt = 2
    """Send an alert when a symptom was a root cause in this many..."""
    of: int = 3
    """...of this many runs."""
    clear_after: PositiveInt = 3
    """It counts as resolved after this many clear runs in a row."""
    remind_min: NonNegativeFloat = 240
    """Minutes between reminders while the incident lasts; 0 for none."""

    def __post_init__(self) -> None:
        if not self.after <= self.of <= MOST_RUNS:
            raise ValueError(f"'of' must be at least 'after', and {MOST_RUNS} at most")
        if self.clear_after > MOST_RUNS:
            raise ValueError(f"'clear_after' must be {MOST_RUNS} at most")


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """Settings of `ci/monitor`."""

    __pydantic_config__ = STRICT
    every_min: PositiveFloat = 5
    """The interval of the schedule; a longer gap is reported."""
    select: str = "monitor"
    """The checks to run, as an expression for `-m`."""
    state: Text | None = None
    """The folder of the history; without it `--state`, CHECKS_STATE, or reports/out/monitor."""
    channels: dict[str, Secret] = field(default_factory=dict)
    """Channels by name, each an Apprise address (mailto://, slack://, pagerduty://, json://, ...)."""
    severities: dict[Severity, Alerting] = field(default_factory=dict)
    """When and where messages are sent, by severity."""
    roles: dict[str, list[str]] = field(default_factory=dict)
    """The channels of the people named in a runbook's escalation."""
    watcher: Severity = "P1"
    """The severity whose channels get messages about the monitor's own problems."""
    heartbeat: Secret | None = None
    """An address that is requested after each complete round; a dead man's switch there alerts when requests stop."""
    link: Text | None = None
    """The address of the status page, included in every message."""
    page: Text | None = None
    """The file of the status page."""
    metrics: Text | None = None
    """The file for Prometheus' textfile collector; its name must end in .prom."""
    push: Text | None = None
    """The address of a Pushgateway."""
    proxy: Text | None = None
    """The HTTP proxy for `heartbeat` and `push`; proxy variables have no effect on them."""
    availability_percent: dict[str, float] = field(default_factory=dict)
    """The percentage of time without P0 that each system should reach."""
    keep_days: PositiveInt = 400
    """Older entries of the history are deleted."""

    def __post_init__(self) -> None:
        named = {channel: f"severities.{name}" for name, rule in self.severities.items() for channel in rule.channels}
        named |= {channel: f"roles.{name}" for name, channels in self.roles.items() for channel in channels}
        for channel, where in named.items():
            if channel not in self.channels:
                raise ValueError(f"'{where}' names the channel '{channel}', which 'channels' doesn't have")

    def rule(self, severity: str) -> Alerting:
        return self.severities.get(severity) or Alerting()  # type: ignore[call-overload]
