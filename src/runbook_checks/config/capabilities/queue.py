"""Settings of a queue: its account, its consumer, and limits for failed and waiting messages."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import NonNegativeInt, PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class QueueConsumer:
    """The consumer that a queue must have; a key that is left out is not checked."""

    script: str | None = None
    """The Worker that consumes."""
    batch_size: int | None = None
    """Messages in one batch."""
    max_retries: int | None = None
    """Retries of one message."""
    max_concurrency: int | None = None
    """Concurrent invocations."""


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
    """The share of failed messages, of those processed, above which it is found."""
    failed_tolerated: NonNegativeInt = 2
    """This many failures in a window are tolerated, whatever their share."""
    window_min: PositiveFloat = 15
    """The time window, which ends at the start of the run."""
    backlog_limit: PositiveInt = 100
    """The number of waiting messages above which it is found."""
    done_text: str = "Processing completed"
    """Text that the consumer logs for each processed message."""
    codes: dict[str, str] = field(default_factory=dict)
    """Cause to the code that the consumer logs for it."""
