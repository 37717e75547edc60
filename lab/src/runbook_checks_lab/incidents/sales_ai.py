"""Incidents of Sales AI."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.faults.sales_ai import system
from runbook_checks_lab.incidents import shared
from runbook_checks_lab.registry import IncidentsOf
from runbook_checks_lab.sales_ai.logfile import failure
from runbook_checks_lab.sales_ai.names import CONVERSATIONS
from runbook_checks_lab.servers.answers import Canned

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

incident = IncidentsOf("sales-ai")
shared.name_server_gone(incident)
shared.certificate_expired(incident, system)
shared.clock_off(incident, system)

FAILURES, SPAN_S = 80, 780


def _failing_messages(lab: Lab, code: str) -> Any:
    """Half of the messages fail permanently and others are retried; they pile up, and the log shows why."""
    rules = system(lab).cloudflare.behaviour
    rules.backlog, rules.growth_a_minute, rules.oldest_age_s = 640.0, 14.0, 2700.0
    rules.a_minute.update(written=40, read=90, success=12, fail=4, dlq=10)
    now = time.time()
    return system(lab).log.with_events(failure(now - 5 - SPAN_S * n / FAILURES, code, n) for n in range(FAILURES))


@incident("database-gone")
def postgres_ended(lab: Lab) -> Iterator[None]:
    """Neither Worker can read its rows."""
    behaviour = system(lab).service.behaviour
    behaviour.components["database"] = "down"
    behaviour.canned[f"GET {CONVERSATIONS}"] = Canned(500, {"error": "database not reachable"})
    with _failing_messages(lab, "DATABASE_ERROR"):
        yield from shared.database_ended(lab, system(lab))


@incident("groq-down")
def groq_has_an_outage(lab: Lab) -> Iterator[None]:
    """Its status page reports it, its API fails, and nothing is transcribed."""
    sales = system(lab)
    sales.status.behaviour.trouble["groq"] = "outage"
    sales.groq.behaviour.canned["*"] = Canned(503, {"error": {"message": "Service Unavailable"}})
    with _failing_messages(lab, "GROQ_API_ERROR"):
        yield


@incident("cloudflare-down")
def cloudflare_has_an_outage(lab: Lab) -> Iterator[None]:
    """Recordings cannot be read, and the queue's API fails as well."""
    sales = system(lab)
    sales.status.behaviour.trouble["cloudflare"] = "outage"
    sales.storage.front.behaviour.page = 503
    with _failing_messages(lab, "FILE_DOWNLOAD_FAILED"):
        sales.cloudflare.behaviour.canned["*"] = Canned(503, {"success": False, "errors": [{"code": 10000}]})
        yield


@incident("slack-down")
def slack_has_an_outage(lab: Lab) -> None:
    sales = system(lab)
    sales.status.behaviour.trouble["slack"] = "outage"
    sales.slack.behaviour.canned["*"] = Canned(503, "<html><body>Server Error</body></html>")
