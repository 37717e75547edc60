"""The Fetch standard's CORS protocol, with the usual mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from runbook_checks_lab.aura_flow.rules import CorsRules
    from runbook_checks_lab.aura_flow.service import Service

MAX_AGE_S = 600


class Cors:
    """ASGI middleware: answers preflights and adds the CORS headers to every response."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rules = self._service.behaviour.cors
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None or rules.is_silent:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope):
            await Response(status_code=rules.preflight_status, headers=_preflight(origin, rules))(scope, receive, send)
        else:
            await self._app(scope, receive, _with(_allowed(origin, rules), send))


def _preflight(origin: str, rules: CorsRules) -> dict[str, str]:
    return _allowed(origin, rules) | {
        "Access-Control-Allow-Methods": ",".join(rules.methods),
        "Access-Control-Allow-Headers": ",".join(rules.headers),
        "Access-Control-Max-Age": str(MAX_AGE_S),
    }


def _allowed(origin: str, rules: CorsRules) -> dict[str, str]:
    allowed = {
        "listed": origin in rules.origins,
        "reflected": True,
        "any": True,
        "null too": origin in rules.origins or origin == "null",
        "suffix": any(origin.endswith(own.partition("://")[2]) for own in rules.origins),
    }[rules.judges]
    if not allowed:
        return {"Vary": "Origin"}
    named = "*" if rules.judges == "any" else origin
    return {"Access-Control-Allow-Origin": named, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}


def _with(headers: dict[str, str], send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer = MutableHeaders(scope=message)
            for name, value in headers.items():
                answer[name] = value
        await send(message)

    return sending
