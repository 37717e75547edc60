"""Check that a queue has its consumer, and that the consumer keeps up and finishes messages."""

from __future__ import annotations

from collections import Counter
from typing import Any

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.queue import Processed, Queue
from runbook_checks.probes.providers.cloudflare import Consumer

SETTINGS = ("batch_size", "max_retries", "max_concurrency")
FAILING_PERCENT, READS_FOR_EACH = 50, 2
# A cause is named if it has at least this share of the failures in the log.
MIN_SHARE_PERCENT = 20
STEADY_PERCENT = 5


@symptom("queue.failing")
def check_messages_are_finished(queue: Queue) -> None:
    """A message that failed for the last time is a recording that stays without a result."""
    counted, causes = _processed(queue)
    limit = queue.settings.failed_percent
    if counted.failed <= queue.settings.failed_tolerated or counted.failed_percent <= limit:
        return
    named: list[tuple[str | None, int]] = [
        (cause, n) for cause, n in causes.most_common() if n * 100 >= MIN_SHARE_PERCENT * causes.total()
    ]
    nothing: list[tuple[str | None, int]] = [(None, 0)]
    window = queue.settings.window_min
    evidence: dict[str, Any] = {
        "queue": queue.settings.name,
        "failed": counted.failed,
        "processed": counted.total,
        "failed_percent": round(counted.failed_percent, 1),
        "window_min": window,
        "source": counted.source,
    }
    seen = f"{counted.failed} of {counted.total} messages failed in {window:g} min ({counted.failed_percent:.0f} %)"
    # Only the consumer's log says which failures these are.
    fitting = [*queue.settings.codes, "other"]
    Found.all(
        Found(
            cause,
            seen=f"{seen}; {_code(queue, cause)}: {logged} in the log" if cause else f"{seen}, by {counted.source}",
            wanted=f"{limit:g} % at most",
            logged=logged,
            code=_code(queue, cause),
            **evidence,
        ).among(fitting, {})
        for cause, logged in named or nothing
    )


def _processed(queue: Queue) -> tuple[Processed, Counter[str]]:
    """Counts by analytics, or without them by the consumer's log; and failures by cause, from that log."""
    try:
        counted = queue.processed()
    except NoReading as gone:
        if not queue.has_log or gone.kind == "queue-missing":
            raise
        try:
            done, causes = queue.logged()
        except NoReading:
            raise gone from None
        return Processed(done, causes.total(), 0, "the consumer's log"), causes
    if counted.failed <= queue.settings.failed_tolerated or not queue.has_log:
        return counted, Counter()
    try:
        return counted, queue.logged()[1]
    except NoReading:
        return counted, Counter()  # the number of failures is known, their causes are not


def _code(queue: Queue, cause: str | None) -> str:
    return queue.settings.codes.get(cause or "", "an error without a known code")


@symptom("queue.backlog")
def check_consumer_keeps_up(queue: Queue) -> None:
    """A message that waits longer than its customer does is late even if it is processed."""
    waiting, limit = queue.waiting(), queue.settings.backlog_limit
    if waiting.count <= limit:
        return
    cause, why = _why_it_waits(queue)
    age = "an unknown time" if waiting.oldest_age_s is None else f"{waiting.oldest_age_s / 60:.0f} min"
    raise Found(
        cause,
        seen=f"{waiting.count} messages wait, the oldest for {age}; {_trend(queue, waiting.count)}; {why}",
        wanted=f"{limit} at most",
        queue=queue.settings.name,
        script=queue.settings.consumer.script or "the consumer",
        waiting=waiting.count,
        oldest=age,
        why=why,
    ).among(("consumer-stalled", "consumer-slow", "consumer-failing"), {"paused": "delivery is not paused"})


def _trend(queue: Queue, count: int) -> str:
    try:
        change = queue.trend_a_minute()
    except NoReading:
        return "trend unknown"
    if abs(change) * queue.settings.window_min < count * STEADY_PERCENT / 100:
        return "stable"
    return f"{'growing' if change > 0 else 'draining'} by {abs(change):.0f} a minute"


def _why_it_waits(queue: Queue) -> tuple[str | None, str]:
    if queue.its().is_paused:
        return "paused", "delivery is paused"
    try:
        counted = queue.processed()
    except NoReading as gone:
        return None, f"the reason is unknown: {gone.reason}"
    window = queue.settings.window_min
    if not counted.read and not counted.total:
        return "consumer-stalled", f"the consumer took no message in {window:g} min"
    what = f"{counted.read} taken, {counted.done} finished, {counted.failed} failed in {window:g} min"
    takes_in_vain = counted.read >= READS_FOR_EACH * max(1, counted.done)
    if counted.failed_percent >= FAILING_PERCENT or takes_in_vain:
        return "consumer-failing", what
    return "consumer-slow", what


@symptom("queue.consumer-missing")
def check_queue_has_its_consumer(queue: Queue) -> None:
    """A queue without its consumer accepts messages without an error until they expire."""
    found, count = queue.found()
    name, expected = queue.settings.name, queue.settings.consumer
    evidence: dict[str, Any] = {"queue": name, "script": expected.script or "its consumer"}
    if found is None:
        seen = f"none of the account's {count} queues is called {name}" if count else "the account has no queue at all"
        raise Found("queue-missing", seen=seen, wanted=f"a queue {name}", difference="none", **evidence)
    ours = [c for c in found.consumers if expected.script in (None, c.script)]
    if not ours:
        others = ", ".join(c.script or c.kind for c in found.consumers)
        seen = f"{name} has {f'only the consumer {others}' if others else 'no consumer'}"
        raise Found("no-consumer", seen=seen, wanted=f"{evidence['script']} consumes", difference="none", **evidence)
    differences = _differences(queue, ours[0])
    if differences:
        seen = ", ".join(f"{setting} {has}" for setting, has, _ in differences)
        wanted = ", ".join(f"{setting} {want}" for setting, _, want in differences)
        raise Found("settings-differ", seen=seen, wanted=wanted, difference=seen, expected=wanted, **evidence)


def _differences(queue: Queue, consumer: Consumer) -> list[tuple[str, str, int]]:
    """Setting, its value, the expected value. Cloudflare chooses a max_concurrency that is not set."""
    found = []
    for setting in SETTINGS:
        wanted = getattr(queue.settings.consumer, setting)
        has = consumer.settings.get(setting)
        if wanted is not None and has != wanted:
            found.append((setting, "not set" if has is None else str(has), wanted))
    return found
