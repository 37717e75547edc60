"""What does a provider's JSON API answer, and what does it mean where it doesn't?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from probes.deadline import current
from probes.reading import NoReading, one_line

if TYPE_CHECKING:
    from probes.http import Answer, Http

TRIES = 3
PAUSE_S = 1.0  # where a 429 doesn't say how long
RESERVE_S = 0.5
MAX_SAID = 120


def patiently(ask: Callable[[], Answer], resource: str) -> Answer:
    """The answer, once the API is ready to give one: after a 429 the read is repeated when the API says (RFC 9110,
    10.2.3), as far as the check's deadline allows. NoReading rate-limited (evidence: retry_after_s) beyond that."""
    for attempt in range(1, TRIES + 1):
        answer = ask()
        if answer.status != 429:
            return answer
        told = retry_after_s(answer)
        wait_s = PAUSE_S if told is None else told
        deadline = current.get()
        if attempt == TRIES or (deadline is not None and deadline.remaining() < wait_s + RESERVE_S):
            break
        time.sleep(wait_s)
    when = "without saying for how long" if told is None else f"and asks to wait {told:g} s"
    reason = f"{answer.url} answers HTTP 429 {when} ({attempt} tries)"
    raise NoReading(resource, reason, kind="rate-limited", evidence={"retry_after_s": told}, attempts=attempt)


def retry_after_s(answer: Answer) -> float | None:
    """Seconds or a date (RFC 9110, 10.2.3); None where nothing is said that can be read."""
    told = (answer.headers.get("retry-after") or "").strip()
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(told).timestamp() - answer.received_at
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def document(answer: Answer, resource: str) -> dict[str, Any]:
    """The JSON object of an answer; NoReading for anything else."""
    found = answer.json()
    if not isinstance(found, dict):
        raise malformed(resource, answer, "is no JSON object")
    return found


def malformed(resource: str, answer: Answer, what: str) -> NoReading:
    return NoReading(resource, f"{answer.url}: the HTTP {answer.status} answer {what}", kind="malformed-answer")


def said(text: object) -> str:
    """What an API says, made fit for a sentence."""
    return one_line(str(text), MAX_SAID)


class Api:
    """A JSON API below one address, with a key in its headers."""

    def __init__(self, http: Http, resource: str) -> None:
        self.http, self.resource = http, resource

    def get(self, path: str) -> Answer:
        return patiently(lambda: self.http.get(path, fresh=True), self.resource)

    def close(self) -> None:
        self.http.close()
