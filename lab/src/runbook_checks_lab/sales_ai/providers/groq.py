"""Groq's API: models, keys and the remaining quota."""

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

PREFIX = "/openai/v1"
MODELS = ("whisper-large-v3", "whisper-large-v3-turbo", "llama-3.3-70b-versatile")
LIMITED = (
    "Rate limit reached for model `whisper-large-v3` in organization `org_lab` on requests per day (RPD): "
    "Limit 14400, Used 14400, Requested 1."
)


@dataclass
class GroqBehaviour(ProviderBehaviour):
    requests_left: int = 12_800
    tokens_left: int = 16_900
    sends_limits: bool = True


class Groq(Provider):
    """OpenAI's documents with Groq's headers."""

    behaviour: GroqBehaviour

    def __init__(self, shared: SharedServers) -> None:
        super().__init__(shared, "groq", GroqBehaviour())

    @property
    def api_url(self) -> str:
        return self.url + PREFIX

    async def run(self) -> None:
        await self.start(Starlette(routes=[Route(f"{PREFIX}/models", self._models)]))

    async def _models(self, request: Request) -> Response:
        if not self.is_known(request):
            error = {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}
            return JSONResponse({"error": error}, 401)
        limits = self.limit()
        if limits is not None:
            error = {"message": LIMITED, "type": "requests", "code": "rate_limit_exceeded"}
            return JSONResponse({"error": error}, 429, self._headers() | limits)
        data = [
            {
                "id": name,
                "object": "model",
                "created": 1_693_721_698,
                "owned_by": "lab",
                "active": True,
                "context_window": 448,
                "public_apps": None,
            }
            for name in MODELS
        ]
        return JSONResponse({"object": "list", "data": data}, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        """Requests are per day, tokens per minute."""
        if not self.behaviour.sends_limits:
            return {}
        return {
            "x-ratelimit-limit-requests": "14400",
            "x-ratelimit-limit-tokens": "18000",
            "x-ratelimit-remaining-requests": str(self.behaviour.requests_left),
            "x-ratelimit-remaining-tokens": str(self.behaviour.tokens_left),
            "x-ratelimit-reset-requests": "2m59.56s",
            "x-ratelimit-reset-tokens": "7.66s",
        }
