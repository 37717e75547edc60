"""Login and permissions of the back end's users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from runbook_checks_lab.aura_flow import documents as d
from runbook_checks_lab.aura_flow.names import ADMIN, LOGIN, ME
from runbook_checks_lab.aura_flow.tokens import Refused

if TYPE_CHECKING:
    from runbook_checks_lab.aura_flow.service import Service

router = APIRouter(tags=["accounts"])
bearer = HTTPBearer(auto_error=False)
Refusals = dict[int | str, dict[str, Any]]
REFUSED: Refusals = {401: {"model": d.Refusal, "description": "no valid token"}}
FORBIDDEN = REFUSED | {403: {"model": d.Refusal, "description": "the user does not have the role"}}
LIMITED = REFUSED | {429: {"model": d.Refusal, "description": "too many attempts"}}


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def claims(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> dict[str, Any]:
    """Return the claims of the request's token; 401 without a valid one."""
    service = service_of(request)
    rules = service.behaviour.token
    if given is None:
        if rules.is_required:
            raise HTTPException(401, "token missing")
        return service.claims(service.synthetic)
    try:
        return service.tokens.claims(given.credentials, service.clock.seconds(), rules)
    except Refused:
        raise HTTPException(service.behaviour.token.refuses_with, "token not valid") from None


Claims = Annotated[dict[str, Any], Depends(claims)]


@router.post(LOGIN, responses=LIMITED)
def login(request: Request, credentials: d.Credentials) -> d.LoggedIn:
    service = service_of(request)
    if service.behaviour.limits_logins and not service.logins.allows(credentials.email):
        raise HTTPException(429, "too many attempts; try again in a minute")
    account = service.login(credentials.email, credentials.password)
    if account is None:
        raise HTTPException(401, "unknown user or wrong password")
    rules = service.behaviour.token
    token = service.tokens.issue(service.claims(account), service.clock.seconds(), rules)
    user = d.User(id=account.id, email=account.email, role=account.role)
    return d.LoggedIn(token=token, expires_in=int(rules.lifetime_s), user=user)


@router.get(ME, responses=REFUSED)
def me(claims: Claims) -> d.User:
    return d.User(id=int(claims["sub"]), email=claims["email"], role=claims["role"])


@router.get(ADMIN, responses=FORBIDDEN)
def users(request: Request, claims: Claims) -> d.Users:
    service = service_of(request)
    if service.behaviour.token.checks_role and claims.get("role") != "admin":
        raise HTTPException(403, "for administrators only")
    return d.Users(users=[d.User(id=a.id, email=a.email, role=a.role) for a in service.accounts.values()])
