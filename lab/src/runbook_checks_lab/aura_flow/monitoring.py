"""Health, metrics and status addresses of the back end."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from runbook_checks_lab.aura_flow import documents as d
from runbook_checks_lab.aura_flow.accounts import service_of
from runbook_checks_lab.aura_flow.names import AI_STATUS, HEALTH, METRICS

router = APIRouter(tags=["monitoring"])
KIND = "text/plain; version=0.0.4; charset=utf-8"


@router.get(HEALTH, include_in_schema=False)
def health(request: Request, response: Response) -> d.Health:
    service = service_of(request)
    components = service.components()
    is_down = "down" in components.values()
    response.status_code = 503 if is_down else 200
    return d.Health.model_validate(
        {
            "status": "degraded" if is_down else "ok",
            "version": service.versions.next(),
            "components": {name: {"status": state} for name, state in components.items()},
        }
    )


@router.get(METRICS, include_in_schema=False)
def metrics(request: Request) -> Response:
    service = service_of(request)
    count = service.answered
    lines = [
        "# HELP http_requests_total Requests by status.",
        "# TYPE http_requests_total counter",
        f'http_requests_total{{method="GET",status="200"}} {count}',
        "# HELP http_request_duration_seconds How long requests took.",
        "# TYPE http_request_duration_seconds histogram",
        *(f'http_request_duration_seconds_bucket{{le="{le}"}} {count}' for le in ("0.1", "0.5", "+Inf")),
        f"http_request_duration_seconds_sum {count * 0.04:.2f}",
        f"http_request_duration_seconds_count {count}",
        "# TYPE process_start_time_seconds gauge",
        f"process_start_time_seconds {service.started:.3f}",
        "",
    ]
    return PlainTextResponse("\n".join(lines), media_type=KIND)


@router.get(AI_STATUS)
def ai_status() -> d.AiStatus:
    return d.AiStatus(
        provider="openai",
        quota=d.Quota(used=4_120, limit=20_000),
        cost=d.Cost(today=11.4, daily_limit=50.0),
        degraded=False,
    )
