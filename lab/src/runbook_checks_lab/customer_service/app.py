"""Routes of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from runbook_checks_lab.customer_service import documents as d
from runbook_checks_lab.customer_service import health, workflow
from runbook_checks_lab.customer_service.names import LIVE, OVERALL, PREFIX, READY
from runbook_checks_lab.customer_service.store import Down
from runbook_checks_lab.servers.recorder import Recorder

if TYPE_CHECKING:
    from runbook_checks_lab.customer_service.service import Service


def create_app(service: Service) -> tuple[FastAPI, Recorder]:
    app = FastAPI(title="AI Customer Service", version=service.behaviour.versions[0], docs_url=None, redoc_url=None)
    app.state.service = service
    app.include_router(health.router)
    app.include_router(workflow.router, prefix=PREFIX)
    app.add_exception_handler(Down, _unavailable)
    app.add_exception_handler(psycopg.Error, _failed)
    return app, Recorder(app, service, health=(LIVE, READY, OVERALL), noted=("x-cs-timestamp",))


def refusal(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse(d.Refusal(code=code, message=message).model_dump(), status)


def _unavailable(request: Request, error: Exception) -> Response:
    _log(request, "pq: connection refused", error)
    return refusal(503, "CS_STORE_5031", "the database is unreachable")


def _failed(request: Request, error: Exception) -> Response:
    _log(request, f"pq: {str(error).splitlines()[0]}", error)
    return refusal(500, "CS_STORE_5001", "the database refused a statement")


def _log(request: Request, what: str, error: Any) -> None:
    service: Service = request.app.state.service
    service.log.write("ERROR", f"{request.method} {request.url.path}: {what} kind={type(error).__name__}")
