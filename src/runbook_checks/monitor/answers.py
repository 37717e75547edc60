"""Watch what services answer while Apprise hands a message over, and tell final refusals from passing ones."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from runbook_checks.monitor.delivery import FINAL, PASSING, UNCLEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

# What says nothing about the message: it may be taken later (RFC 9110; 425 is RFC 8470's, 429 RFC 6585's).
_LATER = {407, 408, 421, 425, 429}
LONGEST_ASKED_S = 3600.0  # a service that asks for a longer pause is tried again after this one


@dataclass(frozen=True)
class Answer:
    """What a service said to one HTTP request; status 0 where it said nothing."""

    status: int
    wait_s: float = 0.0
    is_dropped: bool = False
    """It redirected a POST, which goes on as a GET without the message (RFC 9110, 15.4)."""


def kind_of_refusal(answers: list[Answer]) -> str:
    """Whether a service that did not take a message will never, or may later; from its HTTP answers alone.

    UNCLEAR where they say nothing about it: mail, or a refusal inside of an answer with status 200.
    """
    bad = [answer.status for answer in answers if not 200 <= answer.status < 300]
    if any(status == 0 or status in _LATER or status >= 500 for status in bad):
        return PASSING
    return FINAL if any(400 <= status < 500 for status in bad) else UNCLEAR


_seen: ContextVar[list[Answer] | None] = ContextVar("seen", default=None)


@contextmanager
def watched() -> Iterator[list[Answer]]:
    """What services answer meanwhile to this thread: one that was given up answers into a list of its own."""
    _record()
    seen: list[Answer] = []
    before = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(before)


@cache
def _record() -> None:
    """From now on, for whoever watches: Apprise passes no status and no Retry-After on; requests' Session has both."""
    import requests

    send = requests.Session.send

    def recorded(session: Any, request: Any, **settings: Any) -> Any:
        seen = _seen.get()
        try:
            response = send(session, request, **settings)
        except requests.RequestException:
            if seen is not None:
                seen.append(Answer(0))
            raise
        if seen is not None:
            seen.append(_answer(request.method, response))
        return response

    requests.Session.send = recorded  # type: ignore[method-assign, assignment]


def _answer(method: str, response: Any) -> Answer:
    if method in ("POST", "PUT") and response.request.method not in ("POST", "PUT"):
        return Answer(response.history[0].status_code, is_dropped=True)
    says_when = response.status_code in (429, 503)
    return Answer(response.status_code, asked_pause(response.headers.get("Retry-After", "")) if says_when else 0.0)


def asked_pause(said: str) -> float:
    """The pause that a Retry-After header asks for: seconds or a date (RFC 9110, 10.2.3); 0 where it is neither."""
    try:
        pause = float(said) if said.strip().isdigit() else parsedate_to_datetime(said).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, pause), LONGEST_ASKED_S)
