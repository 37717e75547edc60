"""Which requests reached the service, and what does it say in place of the real answer while a fault is on?"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import deque
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from lab.customer_service.names import LIVE, OVERALL, READY
from lab.customer_service.rules import Canned

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lab.customer_service.service import Service

LIMIT = 1 << 20
KEPT = 20_000
NOTED = ("content-type", "x-runbook-checks-run", "x-cs-timestamp", "accept-encoding", "host")
HEALTH = (LIVE, READY, OVERALL)


class Recorder:
    """ASGI middleware: request log, body limit, canned answers, delays, and a Date header by the service's clock."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        entry = self._entry(scope)
        body = await _body(receive)
        entry["body_size"] = len(body) if body is not None else LIMIT + 1
        if scope["path"] in HEALTH:
            await asyncio.sleep(self._service.behaviour.health_delay_s)
        answering = self._answering(send, entry)
        canned = self._canned(scope) if body is not None else _too_large()
        if canned or body is None:
            await _say(answering, canned or _too_large())
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
            "headers": {name: headers[name] for name in NOTED if name in headers},
            "header_names": sorted(headers),
        }
        self.requests.append(entry)
        return entry

    def _canned(self, scope: Scope) -> Canned | None:
        asked = f"{scope['method']} {scope['path']}"
        for pattern, canned in self._service.behaviour.canned.items():
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


async def _body(receive: Receive) -> bytes | None:
    """None when it is over the limit."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LIMIT:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _too_large() -> Canned:
    return Canned(413, {"code": "CS_REQ_4131", "message": "body is larger than 1 MiB"})


async def _say(send: Send, canned: Canned) -> None:
    is_page = isinstance(canned.body, str)
    body = canned.body.encode() if is_page else json.dumps(canned.body).encode()
    kind = b"text/html; charset=utf-8" if is_page else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": canned.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
