"""The providers' public status pages: Statuspage, Slack's own, Google Cloud's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from runbook_checks_lab.sales_ai.providers.provider import Provider, ProviderBehaviour

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from runbook_checks_lab.shared_servers import SharedServers

Trouble = Literal["degraded", "outage"]
COMPONENTS = {
    "groq": ("API", "Console", "Audio"),
    "cloudflare": ("Workers", "Queues", "R2", "Frankfurt, Germany - (FRA)", "Registrar", "API"),
    "neon": ("Compute - AWS US East", "Console and API"),
}
OVERALL = {"degraded": ("minor", "Partially Degraded Service"), "outage": ("critical", "Major System Outage")}
STATE = {"degraded": "degraded_performance", "outage": "major_outage"}


@dataclass
class StatusBehaviour(ProviderBehaviour):
    trouble: dict[str, Trouble] = field(default_factory=dict)  # "groq", "cloudflare", "neon", "slack", "google"
    elsewhere: bool = True  # an unrelated incident at Cloudflare, which there usually is


class StatusPages(Provider):
    """All pages on one server, each below its provider's name."""

    behaviour: StatusBehaviour

    def __init__(self, shared: SharedServers) -> None:
        super().__init__(shared, "status", StatusBehaviour())

    async def run(self) -> None:
        await self.start(
            Starlette(
                routes=[
                    Route("/slack/api/v2.0.0/current", self._slack),
                    Route("/google/incidents.json", self._google),
                    Route("/{page}/api/v2/summary.json", self._statuspage),
                ]
            )
        )

    async def _statuspage(self, request: Request) -> Response:
        page = request.path_params["page"]
        trouble = self.behaviour.trouble.get(page)
        components = [_component(page, name, "operational") for name in COMPONENTS[page]]
        incidents = []
        if page == "cloudflare" and self.behaviour.elsewhere:
            components[3] = _component(page, COMPONENTS[page][3], "partial_outage")
            incidents.append(_incident(page, "Network Performance Issues in Frankfurt", "minor", [components[3]]))
        if trouble:
            at = 2 if page == "cloudflare" else 0
            components[at] = _component(page, COMPONENTS[page][at], STATE[trouble])
            name = f"Elevated error rates: {COMPONENTS[page][at]}"
            incidents.append(_incident(page, name, OVERALL[trouble][0], [components[at]]))
        indicator, description = OVERALL[trouble] if trouble else ("none", "All Systems Operational")
        return JSONResponse(
            {
                "page": {
                    "id": f"{page}lab",
                    "name": page.title(),
                    "url": f"https://{page}.test",
                    "updated_at": _ago(1),
                },
                "components": components,
                "incidents": incidents,
                "scheduled_maintenances": [],
                "status": {"indicator": indicator, "description": description},
            }
        )

    async def _slack(self, _: Request) -> Response:
        trouble = self.behaviour.trouble.get("slack")
        incidents = [_slack_incident("outage" if trouble == "outage" else "incident")] if trouble else []
        state = "active" if incidents else "ok"
        stamps = {"date_created": _ago(20), "date_updated": _ago(2)}
        return JSONResponse({"status": state, "active_incidents": incidents} | stamps)

    async def _google(self, _: Request) -> Response:
        trouble = self.behaviour.trouble.get("google")
        past = _google_incident("SERVICE_OUTAGE", end=_ago(3000))
        now = {"degraded": "SERVICE_DISRUPTION", "outage": "SERVICE_OUTAGE"}
        return JSONResponse([*([_google_incident(now[trouble])] if trouble else []), past])


def _ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _component(page: str, name: str, state: str) -> dict[str, Any]:
    return {
        "id": f"{page}-{name}".lower().replace(" ", "-")[:24],
        "name": name,
        "status": state,
        "created_at": "2024-01-01T00:00:00.000Z",
        "updated_at": _ago(5),
        "position": 1,
        "description": None,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": f"{page}lab",
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(page: str, name: str, impact: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "incident01",
        "name": name,
        "status": "investigating",
        "created_at": _ago(30),
        "updated_at": _ago(5),
        "monitoring_at": None,
        "resolved_at": None,
        "impact": impact,
        "shortlink": f"https://stspg.test/{page}",
        "started_at": _ago(30),
        "page_id": f"{page}lab",
        "incident_updates": [{"status": "investigating", "body": "We are looking into it.", "created_at": _ago(30)}],
        "components": components,
    }


def _slack_incident(kind: str) -> dict[str, Any]:
    return {
        "id": 1174,
        "date_created": _ago(40),
        "date_updated": _ago(4),
        "title": "Slash commands answer late or not at all",
        "type": kind,
        "status": "active",
        "url": "https://slack-status.com/2026-01/lab",
        "services": ["Apps/Integrations/APIs"],
        "notes": [{"date_created": _ago(40), "body": "We are looking into it."}],
    }


def _google_incident(impact: str, end: str | None = None) -> dict[str, Any]:
    update = {"created": _ago(30), "modified": _ago(30), "when": _ago(30), "text": "We are looking.", "status": impact}
    return {
        "id": "LabIncident01" + ("" if end is None else "Past"),
        "number": "1234567890",
        "begin": _ago(30 if end is None else 3600),
        "created": _ago(30),
        "modified": _ago(5),
        **({} if end is None else {"end": end}),
        "external_desc": "Elevated errors in Cloud Run",
        "updates": [update],
        "most_recent_update": update,
        "status_impact": impact,
        "severity": "medium",
        "service_key": "zall",
        "service_name": "Multiple Products",
        "affected_products": [{"title": "Cloud Run", "id": "9D7d2iNBQWN24zc1VamE"}],
        "uri": "incidents/LabIncident01",
        "currently_affected_locations": [] if end else [{"title": "Iowa (us-central1)", "id": "us-central1"}],
        "previously_affected_locations": [],
    }
