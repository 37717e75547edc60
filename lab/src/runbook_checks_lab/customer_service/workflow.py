"""Process messages and the steps of a session."""

from __future__ import annotations

import hmac
from threading import Timer
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from runbook_checks_lab.customer_service import documents as d
from runbook_checks_lab.customer_service import records
from runbook_checks_lab.customer_service.store import Down
from runbook_checks_lab.customer_service.verification import MESSAGES, flaw

if TYPE_CHECKING:
    from runbook_checks_lab.customer_service.service import Service

router = APIRouter(tags=["customer service"])
Refusals = dict[int | str, dict[str, Any]]
SIGNED: Refusals = {
    400: {"model": d.Refusal, "description": "the body is not valid"},
    403: {"model": d.Refusal, "description": "the signature is missing, stale or invalid"},
    413: {"model": d.Refusal, "description": "the body is larger than 1 MiB"},
    500: {"model": d.Refusal, "description": "the database refused a statement"},
    503: {"model": d.Refusal, "description": "the database is unreachable"},
}
STEPPED: Refusals = SIGNED | {
    404: {"model": d.Refusal, "description": "there is no such session"},
    409: {"model": d.Refusal, "description": "the session's status does not allow this step"},
}
Limit = Annotated[int, Query(ge=1, le=100)]
Action = Literal["assign", "resolve", "close"]


async def raw_body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(raw_body)]


@router.get("/sessions")
def list_sessions(request: Request, limit: Limit = 20) -> d.Sessions:
    rows = _service(request).read("sessions", lambda db: records.sessions(db, 100))
    return d.Sessions.model_validate({"sessions": rows[:limit]})


@router.get("/tickets")
def list_tickets(request: Request, limit: Limit = 20) -> d.Tickets:
    rows = _service(request).read("tickets", lambda db: records.tickets(db, 100))
    return d.Tickets.model_validate({"tickets": rows[:limit]})


@router.post("/webhook", responses=SIGNED, response_model=d.Received)
def webhook(request: Request, body: Body) -> Response | dict[str, Any]:
    service = _service(request)
    if refused := _flaw(request, body):
        return refused
    try:
        message = d.Message.model_validate_json(body)
    except ValidationError as error:
        return _invalid(error)
    with _store(service).connection() as db:
        received = records.receive(
            db,
            message.channel,
            message.message_id,
            message.open_id,
            message.content,
            message.timestamp,
            is_once=service.behaviour.drops_duplicates,
        )
    service.log.write("INFO", f"message received session={received['session_id']} duplicate={received['duplicate']}")
    return received


@router.post("/sessions/{session_id}/{action}", responses=STEPPED, response_model=d.Stepped)
def step(request: Request, session_id: UUID, action: Action, body: Body) -> Response | dict[str, Any]:
    service = _service(request)
    if refused := _unless_known(request, body):
        return refused
    try:
        asked = d.Step.model_validate_json(body or b"{}")
    except ValidationError as error:
        return _invalid(error)
    rules = service.behaviour
    try:
        with _store(service).connection() as db:
            is_audited = rules.writes_audit and not rules.audits_after_s
            status = records.step(db, session_id, action, asked.actor, is_audited=is_audited)
    except records.NoSuchSession:
        return _refusal(404, "CS_SESSION_4041", "there is no such session")
    except records.WrongStatus as error:
        return _refusal(409, "CS_SESSION_4091", f"the session is {error}")
    if rules.audits_after_s:
        Timer(rules.audits_after_s, _audit_late, (_store(service), session_id, action, asked.actor)).start()
    return {"session_id": session_id, "status": status}


def _audit_late(store: Any, session_id: UUID, action: str, actor: str) -> None:
    with store.connection() as db:
        records.audit(db, session_id, action, actor)


@router.delete("/sessions/{session_id}", responses=STEPPED, status_code=204)
def remove(request: Request, session_id: Annotated[UUID, Path()], body: Body) -> Response:
    if refused := _unless_known(request, body):
        return refused
    try:
        with _store(_service(request)).connection() as db:
            records.remove(db, session_id)
    except records.NoSuchSession:
        return _refusal(404, "CS_SESSION_4041", "there is no such session")
    return Response(status_code=204)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _store(service: Service) -> Any:
    if service.store is None:
        raise Down
    return service.store


def _unless_known(request: Request, body: bytes) -> Response | None:
    """Refuse an unknown caller. Clerks' tools send the secret as a bearer token; others sign like webhook callers."""
    bearer = f"Bearer {_service(request).behaviour.secret}".encode()
    if hmac.compare_digest(request.headers.get("authorization", "").encode("utf-8", "replace"), bearer):
        return None
    return _flaw(request, body)


def _flaw(request: Request, body: bytes) -> Response | None:
    service = _service(request)
    found = flaw(request.headers, body, service.clock.seconds(), service.behaviour)
    if not found:
        return None
    code = service.behaviour.codes[found]
    service.log.write("WARN", f"request refused code={code} path={request.url.path}")
    return _refusal(403, code, MESSAGES[found])


def _invalid(error: ValidationError) -> Response:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return _refusal(400, "CS_REQ_4001", f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}")


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse(d.Refusal(code=code, message=message).model_dump(), status)
