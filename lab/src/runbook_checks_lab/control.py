"""HTTP interface of a running lab: apply and undo faults, list the requests that reached it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runbook_checks_lab import registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request

    from runbook_checks_lab.fault_stack import FaultStack
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Change

    Endpoint = Callable[[Request], Awaitable[Response]]


def create_control(lab: Lab, stack: FaultStack) -> Starlette:
    """Every route is below the token, except the intermediate certificate, which is public."""
    faults = _switching(lab, stack, "fault", registry.find_fault, registry.faults)
    outages = _switching(lab, stack, "outage", registry.find_outage, registry.outages)
    incidents = _switching(lab, stack, "incident", registry.find_incident, registry.incidents)
    boundaries = _switching(lab, stack, "boundary", registry.find_boundary, registry.boundaries)

    async def requests(request: Request) -> Response:
        if request.method == "DELETE":
            await asyncio.to_thread(lab.clear)
        return JSONResponse(lab.requests())

    async def statements(_: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(lab.statements))

    async def request_log(_: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(lab.request_log))

    async def intermediate(_: Request) -> Response:
        return Response(lab.authority.intermediate_der(), media_type="application/pkix-cert")

    return Starlette(
        routes=[
            Route(f"/{lab.token}/faults", faults, methods=["GET", "POST", "DELETE"]),
            Route(f"/{lab.token}/outages", outages, methods=["GET", "POST", "DELETE"]),
            Route(f"/{lab.token}/incidents", incidents, methods=["GET", "POST", "DELETE"]),
            Route(f"/{lab.token}/boundaries", boundaries, methods=["GET", "POST", "DELETE"]),
            Route(f"/{lab.token}/requests", requests, methods=["GET", "DELETE"]),
            Route(f"/{lab.token}/statements", statements),
            Route(f"/{lab.token}/request-log", request_log),
            Route("/pki/intermediate.crt", intermediate),
        ]
    )


def _switching(
    lab: Lab,
    stack: FaultStack,
    key: str,
    find: Callable[[str, Iterable[str]], Change],
    known: Callable[[Iterable[str]], dict[str, Change]],
) -> Endpoint:
    async def switch(request: Request) -> Response:
        if request.method == "GET":
            active = stack.names(known(lab.names))
            names = sorted({change.name for change in known(lab.names).values()})
            return JSONResponse({"active": active, "known": names})
        try:
            change = find((await request.json())[key], lab.names)
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": f'the body must be {{"{key}": "NAME"}}'}, 400)
        except registry.UnknownName as unknown:
            return JSONResponse({"error": str(unknown)}, 404)
        try:
            await (stack.apply(change) if request.method == "POST" else stack.undo(change))
        except Exception as error:  # every error is reported to the caller
            return JSONResponse({"error": f"{change.name}: {type(error).__name__}: {error}"}, 500)
        return JSONResponse({"active": stack.names(known(lab.names))})

    return switch
