"""Settings of a log: its place, and the limits of errors in it."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.prometheus import BasicLogin
from runbook_checks.config.capabilities.rules import NonNegativeInt, PositiveFloat, patterns, program, settings
from runbook_checks.config.secrets import Secret, Text

# What the text of an error has in it, whichever library wrote it: a word, pino's level 50 or 60, OpenTelemetry's
# severity number 17 to 24, or AWS Lambda's words for a timeout.
TROUBLE = (
    "(?i)(err(or)?\\b|fatal|panic|crit|alert|emerg|severe|fail|exception|timed out|killed|OutOfMemory|HTTP/[0-9.]+. 5"
    "|level.{1,4}[56]0|severity_?number.{1,4}(1[7-9]|2[0-4]))"
)


@settings
class SlowRequests:
    """Entries with the duration of a request."""

    took: str = "responseTime"
    """The field of a JSON entry with the time, in ms or with its unit."""
    what: list[str] = field(default_factory=lambda: ["method", "url"])
    """The fields that identify the request."""
    limit_ms: PositiveFloat = 5000
    """A request that takes at least this long is slow."""


@settings
class LokiLogs:
    """Streams in Grafana Loki."""

    url: Text | None = None
    """Its address, without /loki/api/v1; without one the log isn't there."""
    selectors: list[str] = field(default_factory=list)
    """The streams, such as {service="api"}; each must have entries."""
    filter: str = f"|~ `{TROUBLE}`"
    """LogQL's filter on lines, so that only possible errors cross the network. With the default, entries whose labels
    or structured metadata have the level of an error are read as well."""
    tenant: Text | None = None
    """The tenant (X-Scope-OrgID)."""
    token: Secret | None = None
    """Sent as bearer authentication."""
    login: BasicLogin | None = None
    """A user and a password, in place of a token."""


@settings
class CloudWatchLogs:
    """Log groups in CloudWatch Logs, read by Logs Insights."""

    region: Text
    """The region."""
    groups: list[str]
    """The log groups; each must have entries."""
    pattern: str = TROUBLE
    """A regular expression that lines must match; their levels are read afterwards."""
    access_key_id: Secret
    """The id of a key that may do logs:StartQuery, logs:GetQueryResults and logs:StopQuery."""
    secret_access_key: Secret
    """Its secret."""
    endpoint: Text | None = None
    """An address in place of AWS's own."""

    def __post_init__(self) -> None:
        if not self.groups:
            raise ValueError("'groups' must name one log group at least")


@settings
class Logs:
    """A log in exactly one place, and the limits of errors in it."""

    file: Text | None = None
    """The place is a log file; rotated ones beside it (.1, .1.gz) are read where the window needs them."""
    loki: LokiLogs | None = None
    """The place is Grafana Loki."""
    cloudwatch: CloudWatchLogs | None = None
    """The place is CloudWatch Logs."""
    command: list[str] | None = None
    """The place is what this command prints; {since} and {until} in it become seconds since the epoch, {since_utc}
    and {until_utc} times."""
    window_min: PositiveFloat = 15
    """The window, ending when the run began; it is compared with the window before it."""
    levels: list[str] = field(default_factory=lambda: ["ERROR", "FATAL", "PANIC"])
    """The levels that count as errors."""
    limit: NonNegativeInt = 5
    """The number of entries of one message that are tolerated in a window."""
    surge_factor: PositiveFloat = 3
    """A message that occurred before counts as surging at this many times its count in the window before."""
    ignore: list[str] = field(default_factory=list)
    """Regular expressions of messages known to be harmless."""
    quiet_is_fine: bool = False
    """An empty window is normal; within a day there must be an entry."""
    slow: SlowRequests | None = None
    """Which requests count as slow."""

    def __post_init__(self) -> None:
        if len(self.places) > 1:
            raise ValueError(f"give one of 'file', 'loki', 'cloudwatch' and 'command', not {' and '.join(self.places)}")
        patterns(ignore={"": self.ignore})
        program(self.command)

    @property
    def places(self) -> list[str]:
        """The configured place of the log: one name, or none."""
        loki = self.loki and self.loki.url
        named = {"file": self.file, "loki": loki, "cloudwatch": self.cloudwatch, "command": self.command}
        return [name for name, given in named.items() if given]
