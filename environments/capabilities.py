"""What can a system have that checks need? One dataclass a capability, in a system's section of that name.

The runbook file says what to expect, the environment file where it is; both speak of the same keys, and
the environment's win. Plain dataclasses: they are validated with pydantic when a file is first seen
(runbooks/reading.py), and a start-up that finds the file unchanged needs no pydantic at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from environments.references import Secret, Text

STRICT: dict[str, Any] = {"extra": "forbid", "hide_input_in_errors": True, "use_attribute_docstrings": True}


def positive(**values: float | None) -> None:
    """Refuse numbers that must be above zero and aren't."""
    for name, value in values.items():
        if value is not None and not value > 0:
            raise ValueError(f"'{name}' must be above 0")


@dataclass(frozen=True, kw_only=True)
class Health:
    """The health documents and the words they use."""

    __pydantic_config__ = STRICT
    path: str = "/health"
    """The overall health document."""
    live: str | None = None
    """The liveness document."""
    ready: str | None = None
    """The readiness document."""
    status_field: str = "status"
    """The field that tells the state, dots for nesting."""
    components_field: str = "components"
    """The field under which components tell theirs."""
    healthy: list[str] = field(default_factory=lambda: ["UP", "ok", "healthy"])
    """The words that mean healthy, in any case."""


@dataclass(frozen=True, kw_only=True)
class VersionAt:
    """Where the running version is told."""

    __pydantic_config__ = STRICT
    path: str
    """The address of the document."""
    field: str = "version"
    """The field in it, dots for nesting."""


@dataclass(frozen=True, kw_only=True)
class Http:
    """An HTTP service."""

    __pydantic_config__ = STRICT
    base_url: Text
    """Where the service answers, as its users reach it."""
    direct_url: Text | None = None
    """An address with no proxy before it; a proxy replaces the Date header that tells the service's clock."""
    health: Health = field(default_factory=Health)
    """The health documents."""
    version: VersionAt | None = None
    """Where the running version is told."""
    expect_version: Text | None = None
    """The version that should be running; --expect-version wins."""
    slow_ms: float = 1000
    """The median health answer must be faster."""
    samples: int = 5
    """How many answers the median and the version are taken from."""
    timeout_s: float = 5
    """A whole answer must be there within this time."""
    connect_timeout_s: float = 3
    """A connection must be there within this time."""
    max_body_bytes: int = 1 << 20
    """No answer is read beyond this size."""

    def __post_init__(self) -> None:
        positive(slow_ms=self.slow_ms, samples=self.samples, timeout_s=self.timeout_s)
        positive(connect_timeout_s=self.connect_timeout_s, max_body_bytes=self.max_body_bytes)


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A PostgreSQL database, seen by a role that may only look."""

    __pydantic_config__ = STRICT
    dsn: Secret
    """The monitor role's DSN (the service's own is preflight's)."""
    schema: str = "public"
    """The schema that holds the service's tables."""
    tables: list[str] = field(default_factory=list)
    """The tables a release needs."""
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    """Table to column to the type it must have, for columns that have been seen to break."""
    service_role: str | None = None
    """The role the service and its migrations run as."""
    connections_warn_percent: float = 80
    """Connections in use, of the server's maximum, from which they count as exhausted."""
    connect_timeout_s: float = 4
    """A connection must be there within this time."""
    statement_timeout_s: float = 5
    """No statement of ours runs longer."""

    def __post_init__(self) -> None:
        positive(connections_warn_percent=self.connections_warn_percent)
        positive(connect_timeout_s=self.connect_timeout_s, statement_timeout_s=self.statement_timeout_s)


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """How a webhook refuses."""

    __pydantic_config__ = STRICT
    status: int = 403
    """The HTTP status of a refusal."""
    field: str = "code"
    """The field of the answer that carries the code."""
    prefix: str = ""
    """What every refusal's code begins with."""
    unsigned: str
    """The code for a missing signature."""
    stale: str
    """The code for a timestamp outside the allowed skew."""
    invalid: str
    """The code for a wrong signature."""
    invalid_body_status: int = 400
    """The HTTP status for a well-signed request whose body is no message."""


@dataclass(frozen=True, kw_only=True)
class ChainStep:
    """One step after the webhook on the way of a message through the service."""

    __pydantic_config__ = STRICT
    name: str
    """What the step is called."""
    path: str
    """Its address; {names} are taken from the webhook's answer and the steps before."""
    method: str = "POST"
    """The HTTP method."""
    body: dict[str, Any] = field(default_factory=dict)
    """The JSON body."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The way of one message through the service, and the audit rows it leaves."""

    __pydantic_config__ = STRICT
    steps: list[ChainStep]
    """The steps after the webhook, in order."""
    token: Secret | None = None
    """Sent as bearer authentication with each step."""
    audit_table: str
    """The table of audit rows."""
    audit_match: str
    """The column that ties an audit row to the message."""
    match_field: str
    """The field of the webhook's answer whose value stands in that column."""
    audit_rows: int = 3
    """How many rows the chain must leave."""
    clean_up: ChainStep | None = None
    """A call that removes what the chain made, where the service has one."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A webhook that checks HMAC-SHA256 signatures over `<timestamp>.<body>`."""

    __pydantic_config__ = STRICT
    secret: Secret
    """The secret both sides share."""
    path: str
    """The webhook's address."""
    refusals: Refusals
    """How it refuses."""
    timestamp_header: str = "X-Timestamp"
    """The header with the unix time in seconds."""
    signature_header: str = "X-Signature"
    """The header with the signature in hex."""
    max_skew_s: int = 300
    """How far a timestamp may be from the service's clock."""
    clock_warn_s: float | None = None
    """The clock's drift from which it is told; a tenth of max_skew_s unless said."""
    examples: int = 8
    """How many changed deliveries the property-based check generates."""
    message: dict[str, Any] = field(default_factory=dict)
    """A valid message; the suite adds an id that marks it as synthetic, and puts a new word for {unique}."""
    message_id_field: str = "message_id"
    """The field by which the service tells a repeated delivery."""
    timestamp_field: str | None = "timestamp"
    """The field of the message that carries its time (RFC 3339)."""
    processed_table: str | None = None
    """The table that gains one row for each processed message."""
    processed_column: str = "message_id"
    """Its column with the message id."""
    chain: Chain | None = None
    """The way of a message through the service."""

    def __post_init__(self) -> None:
        positive(max_skew_s=self.max_skew_s, clock_warn_s=self.clock_warn_s, examples=self.examples)


@dataclass(frozen=True, kw_only=True)
class StoreRule:
    """When a service refuses to start without its database."""

    __pydantic_config__ = STRICT
    enabled: str
    """The variable that switches the database on; must be true."""
    dsn: str
    """The variable with the DSN."""


@dataclass(frozen=True, kw_only=True)
class ModeRule:
    """The variable that tells the mode a service runs in."""

    __pydantic_config__ = STRICT
    variable: str
    """The variable."""
    production: str = "production"
    """Its value in production."""


@dataclass(frozen=True, kw_only=True)
class Variables:
    """The variables of the instance about to start, and where they are kept: exactly one source."""

    __pydantic_config__ = STRICT
    process: bool = False
    """The source is the environment of this very process."""
    file: Text | None = None
    """The source is this dotenv file."""
    command: list[str] | None = None
    """The source is what this command prints, in dotenv form."""
    required: list[str] = field(default_factory=list)
    """The variables the service needs."""
    secret: list[str] = field(default_factory=list)
    """Those whose values are secrets."""
    dsn: dict[str, str] = field(default_factory=dict)
    """Variable with a DSN, to the engine it must name: postgresql or mysql."""
    store: StoreRule | None = None
    """When the service refuses to start without its database."""
    mode: ModeRule | None = None
    """Which variable tells the mode."""
    address: str | None = None
    """The variable with the address the service will listen on."""
    samples: list[str] = field(default_factory=list)
    """Secrets printed in a runbook, which nobody may use."""
    shortest_secret: int = 16
    """No secret may have fewer characters."""

    def __post_init__(self) -> None:
        if [self.process, self.file is not None, self.command is not None].count(True) > 1:
            raise ValueError("give one of 'process', 'file' and 'command', not several")
        positive(shortest_secret=self.shortest_secret)

    @property
    def has_source(self) -> bool:
        return self.process or self.file is not None or self.command is not None


@dataclass(frozen=True, kw_only=True)
class Host:
    """Whether the suite runs on the service's own host."""

    __pydantic_config__ = STRICT
    here: bool = False
    """The suite runs on the host, before the service starts."""
    address: Text | None = None
    """Where the service will listen; else the variable named by variables.address."""
    default_address: str | None = None
    """Where it listens when that variable is not set."""
    program: str = ""
    """The name of the service's program, to know a previous instance by."""


@dataclass(frozen=True, kw_only=True)
class Tls:
    """A TLS address and when its certificate is due."""

    __pydantic_config__ = STRICT
    address: Text | None = None
    """HOST:PORT; else the one of http.base_url."""
    server_name: str | None = None
    """The name asked for, where it isn't the address's."""
    intermediates_file: Text | None = None
    """A bundle of intermediate certificates: tells an incomplete chain from an untrusted one."""
    warn_days: float = 21
    """Days left from which renewal is due."""
    alarm_days: float = 7
    """Days left from which renewal must have failed."""

    def __post_init__(self) -> None:
        positive(warn_days=self.warn_days, alarm_days=self.alarm_days)
        if self.alarm_days > self.warn_days:
            raise ValueError("'alarm_days' must not be above 'warn_days'")


@dataclass(frozen=True, kw_only=True)
class Logs:
    """A log and what counts as trouble in it."""

    __pydantic_config__ = STRICT
    file: Text
    """The log file; rotated ones beside it (.1, .1.gz) are read where the window needs them."""
    window_min: float = 15
    """The window looked at, ending when the run began; the one before it is the yardstick."""
    levels: list[str] = field(default_factory=lambda: ["ERROR", "FATAL", "PANIC"])
    """The levels that count as errors."""
    limit: int = 5
    """That many entries of one message are tolerated in a window."""
    surge_factor: float = 3
    """A message seen before counts as surging at this many times its count in the window before."""
    ignore: list[str] = field(default_factory=list)
    """Regular expressions of messages known to be harmless."""
    quiet_is_fine: bool = False
    """An empty window is no sign of looking at the wrong file."""

    def __post_init__(self) -> None:
        import re

        positive(window_min=self.window_min, surge_factor=self.surge_factor, limit=self.limit + 1)
        for pattern in self.ignore:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'ignore' holds no regular expression: {pattern!r}: {error}") from None


@dataclass(frozen=True, kw_only=True)
class OpenApi:
    """An OpenAPI document of the http service."""

    __pydantic_config__ = STRICT
    document: Text
    """Its address below http.base_url, or a file."""
    examples: int = 3
    """How many requests are generated for each operation."""
    ignore: list[str] = field(default_factory=list)
    """Operations left out, such as 'GET /export'."""


@dataclass(frozen=True, kw_only=True)
class Backups:
    """Backups in a folder."""

    __pydantic_config__ = STRICT
    folder: Text
    """Where they lie."""
    pattern: str = "*"
    """What their names look like."""
    max_age_h: float = 24
    """The newest must be younger."""

    def __post_init__(self) -> None:
        positive(max_age_h=self.max_age_h)


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """What a rollback needs; each thing named must be there."""

    __pydantic_config__ = STRICT
    artefact: Text | None = None
    """The previous version's artefact."""
    configuration: Text | None = None
    """The previous configuration."""
    script: Text | None = None
    """The rollback script; it must be executable."""
