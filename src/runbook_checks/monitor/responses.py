"""Record the HTTP responses to Apprise's requests, and distinguish permanent refusals from temporary ones."""

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

# Client errors that a retry may resolve (RFC 9110; 425 is from RFC 8470, 429 from RFC 6585).
_LATER = {407, 408, 421, 425, 429}
LONGEST_ASKED_S = 3600.0  # a longer Retry-After is shortened to this


@dataclass(frozen=True)
class Response:
    """A response to one HTTP request; status 0 for no response."""

    status: int
    wait_s: float = 0.0
    is_dropped: bool = False
    """The service redirected a POST, and the client sent a GET without the message (RFC 9110, 15.4)."""


def kind_of_refusal(answers: list[Response]) -> str:
    """Whether a refusal is FINAL or PASSING, from the HTTP responses alone.

    UNCLEAR where they do not decide it: mail, or a refusal inside a response with status 200.
    """
    bad = [answer.status for answer in answers if not 200 <= answer.status < 300]
    if any(status == 0 or status in _LATER or status >= 500 for status in bad):
        return PASSING
    return FINAL if any(400 <= status < 500 for status in bad) else UNCLEAR


_recorded: ContextVar[list[Response] | None] = ContextVar("recorded", default=None)


@contextmanager
def watched() -> Iterator[list[Response]]:
    """The responses to this thread's requests. A thread that timed out keeps its own list."""
    _record()
    responses: list[Response] = []
    before = _recorded.set(responses)
    try:
        yield responses
    finally:
        _recorded.reset(before)


@cache
def _record() -> None:
    """Record responses in requests' Session, since Apprise passes on neither status nor Retry-After."""
    import requests

    send = requests.Session.send

    def recorded(session: Any, request: Any, **settings: Any) -> Any:
        responses = _recorded.get()
        try:
            response = send(session, request, **settings)
        except requests.RequestException:
            if responses is not None:
                responses.append(Response(0))
            raise
        if responses is not None:
            responses.append(_response(request.method, response))
        return response

    requests.Session.send = recorded  # type: ignore[method-assign, assignment]


def _response(method: str, response: Any) -> Response:
    if method in ("POST", "PUT") and response.request.method not in ("POST", "PUT"):
        return Response(response.history[0].status_code, is_dropped=True)
    has_pause = response.status_code in (429, 503)
    return Response(response.status_code, retry_after_s(response.headers.get("Retry-After", "")) if has_pause else 0.0)


def retry_after_s(header: str) -> float:
    """The pause of a Retry-After header, which has seconds or a date (RFC 9110, 10.2.3); 0 where it has neither."""
    try:
        pause = float(header) if header.strip().isdigit() else parsedate_to_datetime(header).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, pause), LONGEST_ASKED_S)
