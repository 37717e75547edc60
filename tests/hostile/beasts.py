"""Services that answer in proper HTTP, and mean ill by what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.zoo.beast import Handler, Visit
from tests.zoo.http import whole

Answerer = Callable[[str, str], bytes]  # method and path to the whole answer

LIVE, READY, OVERALL = "/actuator/health/live", "/actuator/health/ready", "/actuator/health"
INFO, WEBHOOK = "/actuator/info", "/api/v1/customer-service/webhook"


def answering(answer: Answerer, kept: list[bytes] | None = None) -> Handler:
    """A server of one answer a connection; requests are kept where a list is given."""

    def handle(visit: Visit) -> None:
        seen = visit.request()
        if seen:
            if kept is not None:
                kept.append(seen)
            method, path = seen.split(b" ")[:2]
            visit.say(answer(method.decode("latin-1"), path.decode("latin-1")))

    return handle


def document(value: Any, *headers: str, status: str = "200 OK") -> bytes:
    """A JSON answer; text and bytes are sent as they are."""
    text = value if isinstance(value, bytes | str) else json.dumps(value)
    body = text.encode() if isinstance(text, str) else text
    return whole(body, "Content-Type: application/json", "Connection: close", *headers, status=status)


def saying(health: Any, *headers: str, status: str = "200 OK") -> Handler:
    """Every address answers with the same document."""
    return always(document(health, *headers, status=status))


def always(answer: bytes, kept: list[bytes] | None = None) -> Handler:
    """Every address answers with this."""
    return answering(lambda _method, _path: answer, kept)


def healthy_but(special: dict[str, bytes], kept: list[bytes] | None = None) -> Handler:
    """A healthy service of version 1.1.0, but for the answers at these paths; what is posted is refused with 403."""

    def answer(method: str, path: str) -> bytes:
        if path in special:
            return special[path]
        if method == "POST":
            return document({"code": "CS_AUTH_4034"}, status="403 Forbidden")
        if path == INFO:
            return document({"app": {"version": "1.1.0"}})
        return document({"status": "UP", "components": {"postgres": {"status": "UP"}}})

    return answering(answer, kept)
