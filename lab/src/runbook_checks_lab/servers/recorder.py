"""Record the requests to a service, and return other responses while a fault is active."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from runbook_checks_lab.servers.answers import Canned, HttpBehaviour

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from runbook_checks_lab.servers.clock import Clock

LIMIT = 1 << 20
KEPT = 20_000
NOTED = ("content-type", "x-runbook-checks-run", "accept-encoding", "host")


class Answering(Protocol):
    """The service behind the routes: its current behaviour and clock."""

    behaviour: Any
    clock: Clock


class Recorder:
    """ASGI middleware: request log, body limit, canned responses, delays, and a Date header by the service's clock."""

    def __init__(
        self,
        app: ASGIApp,
        service: Answering,
        *,
        health: Collection[str],
        limit: int = LIMIT,
        noted: Collection[str] = (),
    ) -> None:
        self._app = app
        self._service = service
        self._health = health
        self._limit = limit
        self._noted = (*NOTED, *noted)
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        entry = self._entry(scope)
        body = await _body(receive, self._limit)
        entry["body_size"] = len(body) if body is not None else self._limit + 1
        if scope["path"] in self._health:
            await asyncio.sleep(self._service.behaviour.health_delay_s)
        answering = self._answering(send, entry)
        canned = self._canned(scope) if body is not None else _too_large(self._limit)
        if canned or body is None:
            await _respond(answering, canned or _too_large(self._limit))
        else:
            await self._app(scope, _replay(body), answering)

    def _entry(self, scope: Scope) -> dict[str, Any]:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        entry = {
            "number": next(self._numbers),
            "at": time.time(),
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "status": None,
            "user_agent": headers.get("user-agent", ""),
            "headers": {name: headers[name] for name in self._noted if name in headers},
            "header_names": sorted(headers),
        }
        self.requests.append(entry)
        return entry

    def _canned(self, scope: Scope) -> Canned | None:
        asked = f"{scope['method']} {scope['path']}"
        behaviour: HttpBehaviour = self._service.behaviour
        for pattern, canned in behaviour.canned.items():
            if fnmatchcase(asked, pattern):
                return canned
        return None

    def _answering(self, send: Send, entry: dict[str, Any]) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
                if self._service.behaviour.sends_date:
                    date = self._service.clock.http_date().encode()
                    message["headers"] = [*message.get("headers", []), (b"date", date)]
            await send(message)

        return answer


async def _body(receive: Receive, limit: int) -> bytes | None:
    """Return the body; None if it is over the limit."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _too_large(limit: int) -> Canned:
    return Canned(413, {"message": f"the body is larger than {limit} bytes"})


async def _respond(send: Send, canned: Canned) -> None:
    is_page = isinstance(canned.body, str)
    body = canned.body.encode() if is_page else json.dumps(canned.body).encode()
    kind = b"text/html; charset=utf-8" if is_page else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": canned.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
