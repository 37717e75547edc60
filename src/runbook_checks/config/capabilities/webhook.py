"""Settings of a webhook: how deliveries are signed, how it refuses them, which way a message takes."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret


@settings
class Refusals:
    """How a webhook refuses. Codes that are not given are not compared, as for one opaque refusal of everything."""

    status: int | None = None
    """The HTTP status of a refusal; 401 or 403 if not given."""
    field: str = "code"
    """The field of the response with the code; dots lead into objects, such as error.code."""
    prefix: str = ""
    """The beginning of every refusal's code."""
    unsigned: str | int | None = None
    """The code for a missing signature."""
    stale: str | int | None = None
    """The code for a timestamp outside the allowed skew."""
    invalid: str | int | None = None
    """The code for a wrong signature."""
    invalid_body_status: int = 400
    """The HTTP status for a correctly signed request with an invalid body; if it is also `status`, codes decide."""
    pages: bool = False
    """Whether the receiver refuses with an HTML page; else a page is one of a proxy or firewall, and unknown."""


@settings
class ChainStep:
    """One step after the webhook on the way of a message through the service."""

    name: str
    """The name of the step."""
    path: str
    """Its address; {names} are taken from the responses of the webhook and of earlier steps."""
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
    """The bearer token of each step."""
    audit_table: str
    """The table of audit rows."""
    audit_match: str
    """The column that ties an audit row to the message."""
    match_field: str
    """The field of a response with the value of that column."""
    audit_rows: int = 3
    """How many rows the chain must leave."""
    audit_id: str | None = None
    """The column that must hold a UUID of its own in each audit row."""
    clean_up: ChainStep | None = None
    """A call that removes what the chain made, if the service has one."""


@settings
class Webhook:
    """A webhook that checks HMAC-SHA256 signatures."""

    secret: Secret
    """The secret both sides share."""
    path: str
    """The webhook's address."""
    scheme: Literal["custom", "github", "stripe", "slack", "standard-webhooks", "svix", "shopify"] = "custom"
    """How the sender signs; custom is hex over `<timestamp>.<body>`."""
    refusals: Refusals = Refusals()
    """How it refuses."""
    verifies_later: bool = False
    """Whether it accepts everything by design and verifies afterwards; its responses then prove nothing."""
    timestamp_header: str | None = None
    """The header with the Unix time in seconds; the scheme's (custom: X-Timestamp) if not given."""
    signature_header: str | None = None
    """The header with the signature; the scheme's (custom: X-Signature) if not given."""
    max_skew_s: PositiveInt = 300
    """How far a timestamp may be from the service's clock."""
    clock_warn_s: PositiveFloat | None = None
    """The clock drift from which on it is reported; a tenth of max_skew_s if not given."""
    examples: PositiveInt = 8
    """How many changed deliveries the property-based check generates."""
    message: dict[str, Any] = field(default_factory=dict)
    """A valid message; the suite adds an id that marks it as synthetic, and replaces {unique} in each message."""
    message_id_field: str = "message_id"
    """The field by which the service recognises a repeated delivery."""
    timestamp_field: str | None = "timestamp"
    """The field of the message with its time (RFC 3339)."""
    processed_table: str | None = None
    """The table that gains one row for each processed message."""
    processed_column: str = "message_id"
    """Its column with the message id."""
    chain: Chain | None = None
    """The way of a message through the service."""
