"""Health and version addresses of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from runbook_checks_lab.customer_service import documents as d
from runbook_checks_lab.customer_service.names import INFO, LIVE, OVERALL, READY

if TYPE_CHECKING:
    from runbook_checks_lab.customer_service.service import Service

router = APIRouter(tags=["actuator"])


@router.get(LIVE, response_model_exclude_defaults=True, include_in_schema=False)
def live() -> d.Health:
    return d.Health(status="UP")


@router.get(READY, include_in_schema=False)
def ready(request: Request, response: Response) -> d.Health:
    return _health(request, response)


@router.get(OVERALL, include_in_schema=False)
def overall(request: Request, response: Response) -> d.Health:
    return _health(request, response)


@router.get(INFO)
def info(request: Request) -> d.Info:
    service: Service = request.app.state.service
    return d.Info(app=d.App(name="ai-customer-service", version=service.versions.next()))


def _health(request: Request, response: Response) -> d.Health:
    service: Service = request.app.state.service
    components = service.components()
    is_down = "DOWN" in components.values()
    response.status_code = 503 if is_down else 200
    return d.Health.model_validate(
        {"status": "DOWN" if is_down else "UP", "components": {k: {"status": v} for k, v in components.items()}}
    )
