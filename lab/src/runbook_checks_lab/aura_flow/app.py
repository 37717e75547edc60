"""Routes of the back end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from runbook_checks_lab.aura_flow import accounts, functions, monitoring
from runbook_checks_lab.aura_flow import documents as d
from runbook_checks_lab.aura_flow.cors import Cors
from runbook_checks_lab.aura_flow.names import DOCUMENT, HEALTH, MEGABYTE
from runbook_checks_lab.servers.recorder import Recorder

if TYPE_CHECKING:
    from runbook_checks_lab.aura_flow.service import Service

LIMIT = 16 * MEGABYTE


def create_app(service: Service) -> Recorder:
    app = FastAPI(
        title="Aura Flow", version=service.behaviour.versions[0], openapi_url=DOCUMENT, docs_url=None, redoc_url=None
    )
    app.state.service = service
    for module in (monitoring, accounts, functions):
        app.include_router(module.router)
    app.add_exception_handler(HTTPException, _refused)
    return Recorder(Cors(app, service), service, health=(HEALTH,), limit=LIMIT)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse(d.Refusal(error=str(error.detail)).model_dump(), error.status_code)
