"""Rules of Cloudflare's stand-in that a fault can change."""

from __future__ import annotations

from dataclasses import dataclass, field

from runbook_checks_lab.sales_ai.providers.provider import ProviderBehaviour

SCRIPT = "queue-worker"
SETTINGS = {"batch_size": 10, "max_retries": 3, "max_concurrency": 10, "max_wait_time_ms": 5000}


@dataclass
class CloudflareBehaviour(ProviderBehaviour):
    account: str = ""
    has_queue: bool = True
    is_empty: bool = False  # an account without any queue
    consumer: dict[str, int] | None = field(default_factory=lambda: dict(SETTINGS))
    script: str = SCRIPT
    is_paused: bool = False
    may_read_queues: bool = True
    may_read_analytics: bool = True
    is_unsampled: bool = False  # analytics without data
    graphql_error: str | None = None  # reported in a 200
    backlog: float = 9.0
    growth_a_minute: float = 0.0
    oldest_age_s: float = 12.0
    a_minute: dict[str, int] = field(
        default_factory=lambda: {"written": 40, "read": 41, "success": 40, "fail": 0, "dlq": 0}
    )
