"""Slack's Web API: a bot token's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from runbook_checks_lab.sales_ai.providers.provider import Provider, ProviderBehaviour

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from runbook_checks_lab.shared_servers import SharedServers

ACCOUNT = {
    "url": "https://sales-lab.slack.com/",
    "team": "Sales Lab",
    "user": "sales_ai",
    "team_id": "T0SALES",
    "user_id": "U0SALES",
    "bot_id": "B0SALES",
    "is_enterprise_install": False,
}


@dataclass
class SlackBehaviour(ProviderBehaviour):
    error: str | None = None  # auth.test's error for the token, in a 200


class Slack(Provider):
    """Errors have status 200; only too many requests have their own status."""

    behaviour: SlackBehaviour

    def __init__(self, shared: SharedServers) -> None:
        super().__init__(shared, "slack", SlackBehaviour())

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    async def run(self) -> None:
        await self.start(Starlette(routes=[Route("/api/auth.test", self._auth_test, methods=["GET", "POST"])]))

    async def _auth_test(self, request: Request) -> Response:
        limits = self.limit()
        if limits is not None:
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, limits)
        if "authorization" not in request.headers:
            return JSONResponse({"ok": False, "error": "not_authed"})
        if self.behaviour.error or not self.is_known(request):
            return JSONResponse({"ok": False, "error": self.behaviour.error or "invalid_auth"})
        return JSONResponse({"ok": True} | ACCOUNT, headers={"x-oauth-scopes": "commands,chat:write,files:read"})
