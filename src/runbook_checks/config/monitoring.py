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
    """When and where somebody is told of findings of one severity."""

    __pydantic_config__ = STRICT
    channels: list[str] = field(default_factory=list)
    """The channels that get them; none, and they are only remembered."""
    after: PositiveInt = 2
    """Tell once it was a root in this many..."""
    of: int = 3
    """...of this many runs."""
    clear_after: PositiveInt = 3
    """It is resolved after this many clear runs in a row."""
    remind_min: NonNegativeFloat = 240
    """Remind of what is still there this often; 0 for never."""

    def __post_init__(self) -> None:
        if not self.after <= self.of <= MOST_RUNS:
            raise ValueError(f"'of' must be at least 'after', and {MOST_RUNS} at most")
        if self.clear_after > MOST_RUNS:
            raise ValueError(f"'clear_after' must be {MOST_RUNS} at most")


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """What `ci/monitor` does beside running the checks."""

    __pydantic_config__ = STRICT
    every_min: PositiveFloat = 5
    """How often its schedule starts it; a longer gap is reported."""
    select: str = "monitor"
    """Which checks are run, as `-m` takes it."""
    state: Text | None = None
    """The folder it remembers in; else `--state`, CHECKS_STATE, or reports/out/monitor."""
    channels: dict[str, Secret] = field(default_factory=dict)
    """Channels by name, each an Apprise address (mailto://, slack://, pagerduty://, json://, ...)."""
    severities: dict[Severity, Alerting] = field(default_factory=dict)
    """When and where somebody is told, by severity."""
    roles: dict[str, list[str]] = field(default_factory=dict)
    """The channels that reach those whom a runbook's escalation names."""
    watcher: Severity = "P1"
    """The severity whose channels are told of the monitor's own troubles."""
    heartbeat: Secret | None = None
    """An address that is asked for after each run that did all it should, so that its silence is noticed elsewhere."""
    link: Text | None = None
    """The address of the status page, put into every message."""
    page: Text | None = None
    """The file that the status page is written to."""
    metrics: Text | None = None
    """The file for Prometheus' textfile collector; its name must end in .prom."""
    push: Text | None = None
    """The address of a Pushgateway."""
    proxy: Text | None = None
    """The HTTP proxy for `heartbeat` and `push`; proxy variables decide nothing there."""
    availability_percent: dict[str, float] = field(default_factory=dict)
    """The share of time without P0 that each system should reach."""
    keep_days: PositiveInt = 400
    """What is older is forgotten."""

    def __post_init__(self) -> None:
        named = {channel: f"severities.{name}" for name, rule in self.severities.items() for channel in rule.channels}
        named |= {channel: f"roles.{name}" for name, channels in self.roles.items() for channel in channels}
        for channel, where in named.items():
            if channel not in self.channels:
                raise ValueError(f"'{where}' names the channel '{channel}', which 'channels' doesn't have")

    def rule(self, severity: str) -> Alerting:
        return self.severities.get(severity) or Alerting()  # type: ignore[call-overload]
