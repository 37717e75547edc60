"""Settings of a queue: where it is, its consumer, how many messages may fail or wait."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import NonNegativeInt, PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class QueueConsumer:
    """The consumer a queue must have; what is left out may be anything."""

    script: str | None = None
    """The Worker that consumes."""
    batch_size: int | None = None
    """Messages handed over at once."""
    max_retries: int | None = None
    """How often a message is tried again."""
    max_concurrency: int | None = None
    """How many invocations may run at once."""


@settings
class Queue:
    """A queue at Cloudflare, through its API."""

    account: Text
    """The account's id."""
    token: Secret
    """An API token that may read queues and the account's analytics."""
    name: str
    """The queue."""
    api_url: Text = Text("literal", "https://api.cloudflare.com/client/v4")
    """Cloudflare's API."""
    consumer: QueueConsumer = field(default_factory=QueueConsumer)
    """The consumer it must have."""
    failed_percent: PositiveFloat = 5
    """Of the messages processed, more than this share failed is trouble."""
    failed_tolerated: NonNegativeInt = 2
    """So few failures in a window are no trouble, whatever their share."""
    window_min: PositiveFloat = 15
    """The window looked at, ending when the run began."""
    backlog_limit: PositiveInt = 100
    """More messages waiting are trouble."""
    done_text: str = "Processing completed"
    """What the consumer logs for a message that it has processed."""
    codes: dict[str, str] = field(default_factory=dict)
    """Cause to the code that the consumer logs for a failure."""
