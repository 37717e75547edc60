"""Incidents of Aura Flow."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.aura_flow.logfile import error
from runbook_checks_lab.aura_flow.metrics import FOR_EVER_S
from runbook_checks_lab.aura_flow.names import AI_STATUS, HEALTH, INSIGHTS, LOGIN, UPLOADS, VERSION
from runbook_checks_lab.faults.aura_flow import system
from runbook_checks_lab.faults.aura_flow.slo import metrics_of
from runbook_checks_lab.incidents import shared
from runbook_checks_lab.registry import IncidentsOf
from runbook_checks_lab.servers.answers import Canned
from runbook_checks_lab.servers.traffic import failing

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

incident = IncidentsOf("aura-flow")
shared.name_server_gone(incident)
shared.certificate_expired(incident, system)
shared.clock_off(incident, system)

REFUSED = "Can't reach database server at `aura-db.lab.test`: connect ECONNREFUSED"
FULL = "ENOSPC: no space left on device, write"
OVERLOADED = "insight not made: provider answered 503 Service Unavailable"


def _answers(lab: Lab, status: int, body: Any, *asked: str) -> None:
    system(lab).service.behaviour.canned.update(dict.fromkeys(asked, Canned(status, body)))


def _logs(lab: Lab, message: str) -> Any:
    now = time.time()
    return system(lab).log.with_events(error(now - 3 - 6 * k, message) for k in range(40))


@incident("database-gone")
def postgres_ended(lab: Lab) -> Iterator[None]:
    """Every request that needs the database fails; the back end's log and metrics show it."""
    failed = {"error": "Internal Server Error"}
    _answers(lab, 500, failed, f"POST {LOGIN}", f"POST {INSIGHTS}", f"POST {UPLOADS}", "GET /api/plans")
    down = {"status": "degraded", "version": VERSION, "components": {"database": {"status": "down"}}}
    _answers(lab, 503, down, f"GET {HEALTH}")
    metrics_of(lab).shares, metrics_of(lab).failing_lately = failing(0.6), 1.0
    metrics_of(lab).downtimes = ((360.0, FOR_EVER_S),)
    with _logs(lab, REFUSED):
        yield from shared.database_ended(lab, system(lab))


@incident("disk-full")
def nothing_left_on_the_data_disk(lab: Lab) -> Iterator[None]:
    """Uploads and writes fail, and the nightly dump is truncated where the disk was full."""
    metrics_of(lab).disk_used, metrics_of(lab).shares = 0.998, failing(0.02)
    system(lab).service.behaviour.takes_uploads = False
    dumps = system(lab).dumps
    dumps.fill(gzip.compress(dumps.dump, mtime=0)[: len(dumps.dump) // 8])
    with _logs(lab, FULL):
        yield
    dumps.fill()


@incident("ai-provider-down")
def model_provider_overloaded(lab: Lab) -> Iterator[None]:
    """No insight is created; the status and the log show why."""
    _answers(lab, 502, {"error": "provider answered 503"}, f"POST {INSIGHTS}")
    status = {"provider": "openai", "provider_status": "down", "degraded": True}
    left = {"quota": {"used": 4120, "limit": 20000}, "cost": {"today": 11.4, "daily_limit": 50.0}}
    _answers(lab, 200, status | left, f"GET {AI_STATUS}")
    with _logs(lab, OVERLOADED):
        yield
