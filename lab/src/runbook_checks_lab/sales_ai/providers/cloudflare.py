"""Cloudflare's API for queues: their list over REST, their analytics over GraphQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from runbook_checks_lab.sales_ai.providers.analytics import answer
from runbook_checks_lab.sales_ai.providers.cloudflare_rules import CloudflareBehaviour
from runbook_checks_lab.sales_ai.providers.provider import Provider

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from runbook_checks_lab.shared_servers import SharedServers

QUEUE = "transcription-queue"
QUEUE_ID = "6b7efc370ea34ded8327fa20698dfe3a"
PREFIX = "/client/v4"
PER_PAGE = 20
OTHERS = 25  # queues before the system's own: the list has a second page


class Cloudflare(Provider):
    """REST with its envelope and pages; GraphQL with errors in a 200."""

    behaviour: CloudflareBehaviour

    def __init__(self, shared: SharedServers) -> None:
        super().__init__(shared, "cloudflare", CloudflareBehaviour())

    @property
    def api_url(self) -> str:
        return self.url + PREFIX

    async def run(self) -> None:
        queues = PREFIX + "/accounts/{account}/queues"
        await self.start(
            Starlette(
                routes=[
                    Route(queues, self._list),
                    Route(queues + "/{queue}", self._one),
                    Route(queues + "/{queue}/consumers", self._consumers),
                    Route(queues + "/{queue}/metrics", self._metrics),
                    Route(PREFIX + "/graphql", self._graphql, methods=["POST"]),
                ]
            )
        )

    async def _list(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        page, size = (int(request.query_params.get(n, d)) for n, d in (("page", 1), ("per_page", PER_PAGE)))
        size = min(size, PER_PAGE)
        found = self._queues()
        shown = found[(page - 1) * size : page * size]
        pages = -(-len(found) // size)
        info = {"page": page, "per_page": size, "count": len(shown), "total_count": len(found), "total_pages": pages}
        return _result(shown, result_info=info)

    async def _one(self, request: Request) -> Response:
        return self._refused(request) or _result(self._queue())

    async def _consumers(self, request: Request) -> Response:
        return self._refused(request) or _result(self._consumer())

    async def _metrics(self, request: Request) -> Response:
        count = round(self.behaviour.backlog)
        oldest = int((time.time() - self.behaviour.oldest_age_s) * 1000) if count else 0
        document = {"backlog_bytes": count * 310, "backlog_count": count, "oldest_message_timestamp_ms": oldest}
        return self._refused(request) or _result(document)

    async def _graphql(self, request: Request) -> Response:
        rules = self.behaviour
        if refused := self._refused(request, is_account=False, allowed=True):
            return refused
        asked = await request.json()
        if rules.graphql_error:
            return _failure(rules.graphql_error)
        if not rules.may_read_analytics or asked.get("variables", {}).get("accountTag") != rules.account:
            return _failure("not authorized for that account", ["viewer", "accounts"], code="authz")
        return answer(asked, rules, QUEUE_ID)

    def _refused(self, request: Request, *, is_account: bool = True, allowed: bool | None = None) -> Response | None:
        """Return the refusal of this request in Cloudflare's envelope, or None."""
        limits = self.limit()
        if limits is not None:
            return _refusal(429, 971, "Please wait and consider throttling your request speed", limits)
        if not self.is_known(request):
            return _refusal(401, 1000, "Invalid API Token")
        if not (self.behaviour.may_read_queues if allowed is None else allowed):
            return _refusal(403, 10000, "Authentication error")
        path = request.path_params
        if is_account and path["account"] != self.behaviour.account:
            return _refusal(
                404, 7003, f"Could not route to {request.url.path}, perhaps your object identifier is invalid?"
            )
        if "queue" in path and (path["queue"] != QUEUE_ID or not self._has_queue):
            return _refusal(404, 11000, "Queue does not exist. Check the queue ID.")
        return None

    @property
    def _has_queue(self) -> bool:
        return self.behaviour.has_queue and not self.behaviour.is_empty

    def _queues(self) -> list[dict[str, Any]]:
        others = [] if self.behaviour.is_empty else [_bare(f"queue-{n:02}", f"{n:032x}") for n in range(OTHERS)]
        return others + ([self._queue()] if self._has_queue else [])

    def _queue(self) -> dict[str, Any]:
        consumers = self._consumer()
        return _bare(QUEUE, QUEUE_ID) | {
            "producers": [{"type": "worker", "script": "slack-bot"}],
            "producers_total_count": 1,
            "consumers": consumers,
            "consumers_total_count": len(consumers),
            "settings": {
                "delivery_delay": 0,
                "delivery_paused": self.behaviour.is_paused,
                "message_retention_period": 345600,
            },
        }

    def _consumer(self) -> list[dict[str, Any]]:
        if self.behaviour.consumer is None:
            return []
        return [
            {
                "consumer_id": "0d0a3a3f2b5c4a0c9c0e6a7f1b2c3d4e",
                "queue_name": QUEUE,
                "type": "worker",
                "script": self.behaviour.script,
                "settings": dict(self.behaviour.consumer),
                "created_on": "2026-01-15T08:00:00.000000Z",
            }
        ]


def _bare(name: str, queue_id: str) -> dict[str, Any]:
    return {
        "queue_id": queue_id,
        "queue_name": name,
        "created_on": "2026-01-15T08:00:00.000000Z",
        "modified_on": "2026-01-15T08:00:00.000000Z",
        "producers": [],
        "producers_total_count": 0,
        "consumers": [],
        "consumers_total_count": 0,
        "settings": {"delivery_delay": 0, "delivery_paused": False, "message_retention_period": 345600},
    }


def _result(result: Any, **more: Any) -> Response:
    return JSONResponse({"success": True, "errors": [], "messages": [], "result": result, **more})


def _refusal(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> Response:
    errors = [{"code": code, "message": message}]
    document = {"success": False, "errors": errors, "messages": [], "result": None}
    return JSONResponse(document, status, headers)


def _failure(message: str, path: list[str] | None = None, **extensions: str) -> Response:
    """Return a GraphQL error, which has status 200."""
    error = {"message": message, "path": path, "extensions": {"timestamp": "2026-01-15T08:00:00Z", **extensions}}
    return JSONResponse({"data": None, "errors": [error]})
