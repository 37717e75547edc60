"""A queue that fails, piles up, or loses its consumer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.sales_ai import fault
from runbook_checks_lab.sales_ai.logfile import failure

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.sales_ai.providers.cloudflare_rules import CloudflareBehaviour

SPAN_S = 780  # inside the window that the check reads
FAILURES = 60
DEEP, GROWTH = 640.0, 14.0


def _rules(lab: Lab) -> CloudflareBehaviour:
    return lab.sales_ai.cloudflare.behaviour


def _failing(lab: Lab, code: str) -> Iterator[None]:
    """A tenth of the messages fail permanently, and the consumer's log shows why."""
    _rules(lab).a_minute.update(success=36, fail=1, dlq=3)
    now = time.time()
    events = [failure(now - 5 - SPAN_S * n / FAILURES, code, n) for n in range(FAILURES)]
    with lab.sales_ai.log.with_events(events):
        yield


@fault("queue.failing", cause="groq-api-error")
def groq_fails(lab: Lab) -> Iterator[None]:
    yield from _failing(lab, "GROQ_API_ERROR")


@fault("queue.failing", cause="database-error")
def database_fails(lab: Lab) -> Iterator[None]:
    yield from _failing(lab, "DATABASE_ERROR")


@fault("queue.failing", cause="file-download-failed")
def downloads_fail(lab: Lab) -> Iterator[None]:
    yield from _failing(lab, "FILE_DOWNLOAD_FAILED")


@fault("queue.failing", cause="other")
def transcripts_too_long(lab: Lab) -> Iterator[None]:
    yield from _failing(lab, "TRANSCRIPT_TOO_LONG")


def _piled_up(lab: Lab, *, growth: float) -> CloudflareBehaviour:
    rules = _rules(lab)
    rules.backlog, rules.growth_a_minute, rules.oldest_age_s = DEEP, growth, 2700.0
    return rules


@fault("queue.backlog", cause="consumer-stalled")
def nothing_taken(lab: Lab) -> None:
    _piled_up(lab, growth=GROWTH).a_minute = {"written": 14}


@fault("queue.backlog", cause="consumer-slow")
def taken_too_slowly(lab: Lab) -> None:
    _piled_up(lab, growth=-GROWTH).a_minute = {"written": 40, "read": 55, "success": 54}


@fault("queue.backlog", cause="consumer-failing")
def taken_in_vain(lab: Lab) -> None:
    """Messages are retried again and again; few have failed permanently yet."""
    _piled_up(lab, growth=GROWTH).a_minute = {"written": 40, "read": 120, "success": 26}


@fault("queue.backlog", cause="paused")
def delivery_paused(lab: Lab) -> None:
    rules = _piled_up(lab, growth=GROWTH)
    rules.is_paused, rules.a_minute = True, {"written": 14}


@fault("queue.consumer-missing", cause="queue-missing")
def queue_removed(lab: Lab) -> None:
    _rules(lab).has_queue = False


@fault("queue.consumer-missing", cause="no-consumer")
def consumer_removed(lab: Lab) -> None:
    _rules(lab).consumer = None


@fault("queue.consumer-missing", cause="settings-differ")
def changed_in_the_dashboard(lab: Lab) -> None:
    _rules(lab).consumer = {"batch_size": 100, "max_retries": 3, "max_concurrency": 1, "max_wait_time_ms": 5000}
