"""Settings of a webhook: how deliveries are signed, how it refuses them, where a message goes."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret


@settings
class Refusals:
    """How a webhook refuses."""

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


@settings
class ChainStep:
    """One step after the webhook on the way of a message through the service."""

    name: str
    """What the step is called."""
    path: str
    """Its address; {names} are taken from the webhook's answer and the steps before."""
    method: str = "POST"
    """The HTTP method."""
    body: dict[str, Any] = field(default_factory=dict)
    """The JSON body."""


@settings
class Chain:
    """The way of one message through the service, and the audit rows it leaves."""

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


@settings
class Webhook:
    """A webhook that checks HMAC-SHA256 signatures over `<timestamp>.<body>`."""

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
    max_skew_s: PositiveInt = 300
    """How far a timestamp may be from the service's clock."""
    clock_warn_s: PositiveFloat | None = None
    """The clock's drift from which it is told; a tenth of max_skew_s unless said."""
    examples: PositiveInt = 8
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
