"""Recognise a rate limit, and wait for it if the wait is short."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from runbook_checks.probes.core.deadline import current
from runbook_checks.probes.core.reading import NoReading, tried

if TYPE_CHECKING:
    from runbook_checks.probes.http.response import Answer

RATE_LIMITED = "rate-limited"
TRIES = 3
PAUSE_S = 1.0  # without a Retry-After header
RESERVE_S = 0.5
SPENT = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
# GitHub and others refuse with 403, S3 and R2 with 503. A 503 that asks to come back later is maintenance elsewhere.
WORDS = {
    403: re.compile(rb"rate.?limit|too many requests|throttl", re.IGNORECASE),
    503: re.compile(rb"<Code>SlowDown</Code>|reduce your request rate", re.IGNORECASE),
}
MAY_LIMIT = (429, *WORDS)
EXCERPT = 2048


def is_limit(answer: Answer) -> bool:
    """Whether the response is a rate limit: 429 (RFC 6585, 4), or its equivalent elsewhere."""
    if answer.status not in WORDS:
        return answer.status == 429
    says_so = WORDS[answer.status].search(answer.body[:EXCERPT]) is not None
    is_spent = any((answer.headers.get(name) or "").strip() == "0" for name in SPENT)
    return says_so and (answer.status == 503 or is_spent or "retry-after" in answer.headers)


def patiently(
    ask: Callable[[], Answer],
    resource: str,
    *,
    tries: int = TRIES,
    longest_s: float = math.inf,
    first: Answer | None = None,
) -> Answer:
    """The response to a read, retried while the rate is limited; `first` is a response that is already there.

    A retry waits for Retry-After (RFC 9110, 10.2.3), as far as the check's deadline allows. NoReading rate-limited
    (evidence: retry_after_s) beyond that, or if the wait is longer than longest_s.
    """
    for attempt in range(1, tries + 1):
        answer = first if first and attempt == 1 else ask()
        if not is_limit(answer):
            if attempt > 1:
                tried(attempt)
            return answer
        wait_s = retry_after_s(answer)
        wait_s = PAUSE_S if wait_s is None else wait_s
        deadline = current.get()
        is_out_of_time = deadline is not None and deadline.remaining() < wait_s + RESERVE_S
        if attempt == tries or wait_s > longest_s or is_out_of_time:
            break
        time.sleep(wait_s)
    raise limited(answer, resource, attempt)


def limited(answer: Answer, resource: str, attempts: int = 1) -> NoReading:
    """The NoReading for a response that is a rate limit."""
    wait_s = retry_after_s(answer)
    when = "no Retry-After" if wait_s is None else f"retry after {wait_s:g} s"
    tries = f"{attempts} attempt" + ("s" if attempts > 1 else "")
    reason = f"{answer.url.partition('?')[0]}: rate limited (HTTP {answer.status}), {when} ({tries})"
    return NoReading(resource, reason, kind=RATE_LIMITED, evidence={"retry_after_s": wait_s}, attempts=attempts)


def retry_after_s(answer: Answer) -> float | None:
    """The seconds or date of Retry-After (RFC 9110, 10.2.3); None without a readable one."""
    text = (answer.headers.get("retry-after") or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - answer.received_at
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
