"""Routes of the Workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from runbook_checks_lab.sales_ai import documents as d
from runbook_checks_lab.sales_ai.names import COMMAND, COMMANDS, CONVERSATIONS, HEALTH, VERSION
from runbook_checks_lab.sales_ai.verification import is_slack
from runbook_checks_lab.servers.recorder import Recorder

if TYPE_CHECKING:
    from runbook_checks_lab.sales_ai.service import Workers

Limit = Annotated[int, Query(ge=1, le=100)]
REFUSED: dict[int | str, dict[str, Any]] = {401: {"model": d.Refusal, "description": "not signed by Slack, or too old"}}


async def raw_body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(raw_body)]


def create_app(workers: Workers) -> Recorder:
    app = FastAPI(title="Sales AI", version=workers.behaviour.versions[0], docs_url=None, redoc_url=None)

    @app.get(HEALTH, include_in_schema=False)
    def health(response: Response) -> d.Health:
        components = {name: d.Component(status=state) for name, state in workers.behaviour.components.items()}
        is_well = all(component.status == "ok" for component in components.values())
        response.status_code = 200 if is_well else 503
        return d.Health(status="ok" if is_well else "degraded", components=components)

    @app.get(VERSION)
    def version() -> d.Version:
        return d.Version(name="sales-ai", version=workers.versions.next())

    @app.get(CONVERSATIONS)
    def conversations(limit: Limit = 20) -> d.Conversations:
        return d.Conversations.model_validate({"conversations": workers.conversations[:limit]})

    @app.post(COMMANDS, responses=REFUSED, response_model=d.Reply)
    async def command(request: Request, body: Body) -> Response | d.Reply:
        await asyncio.sleep(workers.behaviour.command_delay_s)
        if not is_slack(request.headers, body, workers.clock.seconds(), workers.behaviour):
            workers.log.note("slack-bot", "warn", "Invalid signature")
            return JSONResponse(d.Refusal(error="Invalid signature").model_dump(), 401)
        return d.Reply(text=_reply(parse_qs(body.decode("utf-8", "replace"))))

    return Recorder(app, workers, health=(HEALTH,), noted=("x-slack-request-timestamp",))


def _reply(fields: dict[str, list[str]]) -> str:
    command = fields.get("command", [""])[0]
    return "Drop a recording here, and it is transcribed." if command == COMMAND else f"There is no command {command}."
