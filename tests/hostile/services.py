"""HTTP services with correct protocol and hostile content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.misbehaving.http import whole
from tests.misbehaving.server import Handler, Visit

Answerer = Callable[[str, str], bytes]  # method and path to the whole response

LIVE, READY, OVERALL = "/actuator/health/live", "/actuator/health/ready", "/actuator/health"
INFO, WEBHOOK = "/actuator/info", "/api/v1/customer-service/webhook"


def answering(answer: Answerer, kept: list[bytes] | None = None) -> Handler:
    """Return a handler with one response for each connection; requests are appended to `kept` if given."""

    def handle(visit: Visit) -> None:
        seen = visit.request()
        if seen:
            if kept is not None:
                kept.append(seen)
            method, path = seen.split(b" ")[:2]
            visit.say(answer(method.decode("latin-1"), path.decode("latin-1")))

    return handle


def document(value: Any, *headers: str, status: str = "200 OK") -> bytes:
    """Return a JSON response; text and bytes are sent unchanged."""
    text = value if isinstance(value, bytes | str) else json.dumps(value)
    body = text.encode() if isinstance(text, str) else text
    return whole(body, "Content-Type: application/json", "Connection: close", *headers, status=status)


def saying(health: Any, *headers: str, status: str = "200 OK") -> Handler:
    """Return a handler with the same document for every address."""
    return always(document(health, *headers, status=status))


def always(answer: bytes, kept: list[bytes] | None = None) -> Handler:
    """Return a handler with the same response for every address."""
    return answering(lambda _method, _path: answer, kept)


def healthy_but(special: dict[str, bytes], kept: list[bytes] | None = None) -> Handler:
    """Return a handler for a healthy service of version 1.1.0 with other responses at these paths; POST gets 403."""

    def answer(method: str, path: str) -> bytes:
        if path in special:
            return special[path]
        if method == "POST":
            return document({"code": "CS_AUTH_4034"}, status="403 Forbidden")
        if path == INFO:
            return document({"app": {"version": "1.1.0"}})
        return document({"status": "UP", "components": {"postgres": {"status": "UP"}}})

    return answering(answer, kept)
