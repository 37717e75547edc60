"""Settings of a system's metrics: its Prometheus, the series, the objectives."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class BasicLogin:
    """A user's name and password."""

    user: Text
    """The name."""
    password: Secret
    """The password."""


@settings
class ErrorRate:
    """Requests that failed, of all requests."""

    requests: str = "http_requests_total"
    """Selector of the counter of requests."""
    status_label: str = "status"
    """Its label with the HTTP status (500, or 5xx)."""
    counts: list[str] = field(default_factory=lambda: ["5xx"])
    """The classes that count as failed; the others are shown as well."""
    objective_percent: PositiveFloat
    """The objective."""
    alert_percent: PositiveFloat
    """The share from which it is an alert."""

    def __post_init__(self) -> None:
        if not self.counts or set(self.counts) - {"4xx", "5xx"}:
            raise ValueError("'counts' must hold 4xx, 5xx or both")


@settings
class Latency:
    """Durations of requests, by a histogram."""

    buckets: str = "http_request_duration_seconds_bucket"
    """Selector of the histogram's buckets, in seconds."""
    p95_ms: PositiveFloat
    """The objective for P95."""
    p99_ms: PositiveFloat | None = None
    """The objective for P99."""
    alert_p95_ms: PositiveFloat
    """The P95 from which it is an alert."""


@settings
class Availability:
    """The share of time in which a probe from outside found the system up."""

    probe: str = "probe_success"
    """Selector of the probe's series: 1 up, 0 down."""
    objective_percent: PositiveFloat
    """The objective."""
    window_days: PositiveFloat = 30
    """The period of the objective; the downtime that it allows is the error budget."""
    alert_percent: PositiveFloat
    """The availability of the last alert_window_min below which it is an alert."""
    alert_window_min: PositiveFloat = 60
    """The period of that availability, and of the burn rate."""

    def __post_init__(self) -> None:
        if self.objective_percent >= 100:
            raise ValueError("'objective_percent' must be below 100: no system is always up")


@settings
class Connections:
    """Attempts of the service to connect to its database."""

    attempts: str
    """Selector of the counter of attempts."""
    failures: str
    """Selector of the counter of those that failed."""
    no_failures_is_zero: bool = False
    """That counter does not exist before the first failure: without a series there was none."""
    objective_percent: PositiveFloat
    """The share that must succeed."""
    window_days: PositiveFloat = 30
    """The period of the objective."""


@settings
class Executions:
    """Executions that were completed, of those that were started."""

    started: str = "execution_started_total"
    """Selector of the counter of those started."""
    completed: str = "execution_completed_total"
    """Selector of the counter of those completed."""
    limit_percent: PositiveFloat
    """The share that must be completed."""


@settings
class Disk:
    """File systems."""

    available: str = "node_filesystem_avail_bytes"
    """Selector of the bytes available."""
    size: str = "node_filesystem_size_bytes"
    """Selector of the total bytes."""
    limit_percent: PositiveFloat
    """The use above which a file system counts as nearly full."""
    full_within_h: PositiveFloat = 24
    """A file system that will be full within this time, at its present rate, is a finding."""
    trend_h: PositiveFloat = 6
    """The period that the rate is computed from."""


@settings
class Memory:
    """The memory of hosts."""

    available: str = "node_memory_MemAvailable_bytes"
    """Selector of the bytes available to programs."""
    size: str = "node_memory_MemTotal_bytes"
    """Selector of the total bytes."""
    limit_percent: PositiveFloat
    """The use above which it counts as nearly full."""


@settings
class Cpu:
    """The processors of hosts."""

    idle: str = 'node_cpu_seconds_total{mode="idle"}'
    """Selector of the counters of idle seconds."""
    limit_percent: PositiveFloat
    """The use above which a host counts as saturated."""


@settings
class Triggers:
    """When a release has to be rolled back."""

    health_failures: PositiveInt = 3
    """More failed probes in a row than this."""
    error_percent: PositiveFloat = 5
    """The error rate above this ..."""
    error_for_min: PositiveFloat = 5
    """... for so long."""
    p95_ms: PositiveFloat = 2000
    """P95 above this ..."""
    p95_for_min: PositiveFloat = 10
    """... for so long."""
    connections_percent: PositiveFloat = 10
    """Failed attempts to connect to the database, of all within window_min, above this."""


@settings
class Prometheus:
    """A Prometheus (or another server with its HTTP API), the series, and the objectives."""

    url: Text
    """Its address, without /api/v1."""
    token: Secret | None = None
    """Sent as bearer authentication."""
    login: BasicLogin | None = None
    """A user and a password, in place of a token."""
    headers: dict[str, Text] = field(default_factory=dict)
    """Additional headers, such as the tenant's (X-Scope-OrgID)."""
    window_min: PositiveFloat = 5
    """The window of rates, ending when the run began."""
    max_age_s: PositiveFloat = 120
    """A series whose newest sample is older is stale."""
    least: PositiveInt = 100
    """With fewer requests (executions, attempts) in a window, a share or a quantile is not judged."""
    error_rate: ErrorRate | None = None
    """How many requests may fail."""
    latency: Latency | None = None
    """How long they may take."""
    availability: Availability | None = None
    """How much of the time the system must be up."""
    connections: Connections | None = None
    """How many attempts to connect to the database must succeed."""
    executions: Executions | None = None
    """How many executions must be completed."""
    disk: Disk | None = None
    """How full file systems may be."""
    memory: Memory | None = None
    """How full memory may be."""
    cpu: Cpu | None = None
    """How busy processors may be."""
    rollback_when: Triggers | None = None
    """When a release has to be rolled back."""

    def __post_init__(self) -> None:
        if self.token is not None and self.login is not None:
            raise ValueError("give 'token' or 'login', not both")
