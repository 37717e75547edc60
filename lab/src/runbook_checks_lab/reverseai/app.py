"""Routes of the API."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import pymysql
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from runbook_checks_lab.reverseai import documents as d
from runbook_checks_lab.reverseai.names import HEALTH, PREFIX
from runbook_checks_lab.reverseai.store import Down
from runbook_checks_lab.servers.recorder import Recorder

if TYPE_CHECKING:
    from runbook_checks_lab.reverseai.service import Service

REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": d.Problem} for status in (401, 404, 503)}
bearer = HTTPBearer(auto_error=False)


class Refused(Exception):
    """A response that is not a success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.problem = status, d.Problem(code=code, message=message)


def create_app(service: Service) -> Recorder:
    app = FastAPI(title="ReverseAI", version=service.behaviour.versions[0], docs_url=None, redoc_url=None)
    app.state.service = service
    app.include_router(open_router)
    app.include_router(router, prefix=PREFIX, dependencies=[Depends(authenticated)], responses=REFUSALS)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Down, _unavailable)
    app.add_exception_handler(pymysql.MySQLError, _failed)
    return Recorder(app, service, health=(HEALTH,))


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def authenticated(request: Request, given: Credentials) -> None:
    token = service_of(request).behaviour.token
    if given is None or not secrets.compare_digest(given.credentials.encode(), token.encode()):
        raise Refused(401, "UNAUTHENTICATED", "a bearer token is needed")


open_router = APIRouter()
router = APIRouter()


@open_router.get(HEALTH, include_in_schema=False)
def health(request: Request, response: Response) -> d.Health:
    service = service_of(request)
    components = service.components()
    is_down = "down" in components.values()
    response.status_code = 503 if is_down else 200
    return d.Health.model_validate(
        {
            "status": "degraded" if is_down else "ok",
            "components": {name: {"status": state} for name, state in components.items()},
        }
    )


@open_router.get("/version")
def version(request: Request) -> d.Version:
    return d.Version(version=service_of(request).versions.next())


@router.get("/workspaces/{workspace_id}/domains")
def domains(request: Request, workspace_id: d.WorkspaceId) -> d.Domains:
    known(request, workspace_id)
    rows = _rows(request, "SELECT * FROM what_reverse_app_domains WHERE workspace_id = %s ORDER BY id", workspace_id)
    return d.Domains.model_validate({"domains": rows})


@router.get("/workspaces/{workspace_id}/database")
def database(request: Request, workspace_id: d.WorkspaceId) -> d.Database:
    row = known(request, workspace_id)
    return d.Database.model_validate(row | {"last_backup": service_of(request).behaviour.backups.get(workspace_id)})


@router.get("/workspaces/{workspace_id}/access-policy")
def access_policy(request: Request, workspace_id: d.WorkspaceId) -> d.AccessPolicy:
    policy = _kept(service_of(request).behaviour.policies, workspace_id)
    return d.AccessPolicy.model_validate({"workspace_id": workspace_id} | policy)


@router.get("/billing/workspaces/{workspace_id}/quota")
def quota(request: Request, workspace_id: d.WorkspaceId) -> d.Quota:
    amount = _kept(service_of(request).behaviour.quotas, workspace_id)
    return d.Quota.model_validate({"workspace_id": workspace_id, "db_storage_gb": amount})


@router.get("/admin/ops/sops")
def sops(request: Request) -> d.Sops:
    return d.Sops.model_validate({"sops": list(service_of(request).behaviour.sops.values())})


@router.get("/admin/ops/sops/{key}")
def sop(request: Request, key: str) -> d.Sop:
    behaviour = service_of(request).behaviour
    if key in behaviour.without_detail or key not in behaviour.sops:
        raise Refused(404, "NOT_FOUND", "there is no such SOP")
    return d.Sop.model_validate(behaviour.sops[key])


def known(request: Request, workspace_id: str) -> dict[str, Any]:
    rows = _rows(request, "SELECT * FROM what_reverse_workspace_databases WHERE workspace_id = %s", workspace_id)
    if not rows:
        raise Refused(404, "NOT_FOUND", "there is no such workspace")
    return rows[0]


def _rows(request: Request, sql: str, *values: Any) -> list[dict[str, Any]]:
    store = service_of(request).store
    if store is None:
        raise Down
    return store.rows(sql, values)


def _kept(table: dict[str, Any], workspace_id: str) -> dict[str, Any]:
    if workspace_id not in table:
        raise Refused(404, "NOT_FOUND", "there is no such workspace")
    return dict(table[workspace_id])


def _refused(_: Request, error: Any) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse(error.problem.model_dump(), error.status, headers)


def _unavailable(_: Request, __: Exception) -> Response:
    return JSONResponse(d.Problem(code="DATABASE_DOWN", message="the database is unreachable").model_dump(), 503)


def _failed(_: Request, __: Exception) -> Response:
    return JSONResponse(d.Problem(code="DATABASE_ERROR", message="the database refused a statement").model_dump(), 500)
