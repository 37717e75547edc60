"""The recorded incidents, and the faults that cause each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """One incident: what happened, on which system, by which faults, and the options that on-call types."""

    title: str
    system: str
    faults: tuple[str, ...]
    typed: tuple[str, ...] = ()


STORIES = (
    Story("The database is gone", "ai-customer-service", ("database.unreachable:connection-refused",)),
    Story("The name of the service is gone", "ai-customer-service", ("health.unreachable:name-not-resolved",)),
    Story("The service's clock is off", "ai-customer-service", ("webhook.clock-drift:server-behind",)),
    Story("One secret is wrong", "ai-customer-service", ("webhook.signature-rejected:secret-mismatch",)),
    Story("A migration stopped half-way", "ai-customer-service", ("migration.missing:partly-applied",)),
    Story(
        "Two things at once",
        "ai-customer-service",
        ("logs.errors:new-error", "domain.certificate-expiring:renewal-failing"),
    ),
    Story("The front's certificate has expired", "aura-flow", ("domain.certificate-expired:expired",)),
    Story("The disk is filling up", "aura-flow", ("capacity.disk:filling-fast",)),
    Story("A custom domain lost its TXT record", "reverseai", ("domain.txt-missing:no-txt-record",), ("-m", "domain")),
    Story("Executions hang", "reverseai", ("execution.stuck:node-hanging",), ("-m", "execution")),
    Story("The queue has lost its consumer", "sales-ai", ("queue.consumer-missing:no-consumer",)),
    Story("A provider has an outage", "sales-ai", ("dependency.provider-incident:outage",)),
)
