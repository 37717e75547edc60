"""Neon's API (v2): a project's branches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from runbook_checks_lab.sales_ai.providers.provider import Provider, ProviderBehaviour

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from runbook_checks_lab.shared_servers import SharedServers

PREFIX = "/api/v2"
PROJECT = "sales-ai-lab-12345678"
MAIN = "br-main-lab-00000000"


@dataclass
class NeonBehaviour(ProviderBehaviour):
    project: str = PROJECT
    ages_h: list[float] = field(default_factory=lambda: [3.0, 27.0, 51.0])  # of the branches named backup-YYYYMMDD
    page: int = 2  # branches a page, unless the caller requests fewer


class Neon(Provider):
    """Branches are listed in pages, with a cursor."""

    behaviour: NeonBehaviour

    def __init__(self, shared: SharedServers) -> None:
        super().__init__(shared, "neon", NeonBehaviour())

    @property
    def api_url(self) -> str:
        return self.url + PREFIX

    async def run(self) -> None:
        await self.start(Starlette(routes=[Route(PREFIX + "/projects/{project}/branches", self._branches)]))

    async def _branches(self, request: Request) -> Response:
        limits = self.limit()
        if limits is not None:
            return _refusal(429, "RATE_LIMIT_EXCEEDED", "rate limit exceeded", limits)
        if not self.is_known(request):
            return _refusal(401, "", "supplied credentials do not pass authentication")
        if request.path_params["project"] != self.behaviour.project:
            return _refusal(404, "", "project not found")
        found = self._all()
        after = request.query_params.get("cursor")
        begin = next((n + 1 for n, branch in enumerate(found) if branch["id"] == after), 0)
        size = min(int(request.query_params.get("limit", self.behaviour.page)), self.behaviour.page)
        shown = found[begin : begin + size]
        pagination = {"sort_by": "updated_at", "sort_order": "DESC"}
        if begin + size < len(found):
            pagination["next"] = shown[-1]["id"]
        return JSONResponse({"branches": shown, "annotations": {}, "pagination": pagination})

    def _all(self) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        made = [_branch(MAIN, "main", now - timedelta(days=300), is_default=True)]
        for number, age_h in enumerate(self.behaviour.ages_h, start=1):
            at = now - timedelta(hours=age_h)
            made.append(_branch(f"br-backup-lab-{number:08}", f"backup-{at:%Y%m%d}", at))
        return made


def _branch(branch_id: str, name: str, at: datetime, *, is_default: bool = False) -> dict[str, Any]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    parent = {} if is_default else {"parent_id": MAIN, "parent_lsn": "0/1DE2850", "parent_timestamp": stamp}
    return {
        "id": branch_id,
        "project_id": PROJECT,
        **parent,
        "name": name,
        "current_state": "ready",
        "state_changed_at": stamp,
        "logical_size": 31_457_280,
        "creation_source": "console",
        "primary": is_default,
        "default": is_default,
        "protected": False,
        "cpu_used_sec": 0,
        "active_time_seconds": 0,
        "compute_time_seconds": 0,
        "written_data_bytes": 0,
        "data_transfer_bytes": 0,
        "created_at": stamp,
        "updated_at": stamp,
    }


def _refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    document = {"request_id": "00000000-0000-4000-8000-000000000000", "code": code, "message": message}
    return JSONResponse(document, status, headers)
