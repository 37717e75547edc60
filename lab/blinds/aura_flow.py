"""Which sources and privileges can be taken from the checks of Aura Flow?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.aura_flow.names import HEALTH, METRICS
from lab.blinds.shared import postgres
from lab.faults.aura_flow import system
from lab.faults.shared import metrics
from lab.registry import BlindsOf
from lab.servers.answers import Canned

if TYPE_CHECKING:
    from lab.lab import Lab

blind = BlindsOf("aura-flow")
SEEN_BY_NAME = ("domain.certificate-expired", "domain.certificate-expiring", "domain.certificate-invalid")


@blind(
    "dns-silent",
    *SEEN_BY_NAME,
    "health.degraded",
    "health.server-error",
    "health.slow",
    "health.key-function",
    "contract.violated",
)
def name_server_silent(lab: Lab) -> None:
    lab.dns.behaviour.is_silent = True


@blind("version-not-told", "health.wrong-version")
def health_without_version(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.canned[f"GET {HEALTH}"] = Canned(200, {"status": "ok"})


@blind("metrics-forbidden", "health.metrics-unreadable")
def metrics_for_others_only(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.canned[f"GET {METRICS}"] = Canned(403, {"error": "from inside only"})


@blind("no-date", "webhook.clock-drift")
def no_date(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.sends_date = False


OBJECTIVES = ("slo.error-rate", "slo.latency", "slo.availability", "slo.database-availability")
metrics.unseen(blind, system, *OBJECTIVES, "capacity.disk", "capacity.memory", "capacity.cpu", "rollback.due")

STRAIN = ("database.long-running-query", "database.slow-queries", "database.lock-waits")
postgres.monitor_revoked(blind, system, "database.connections-exhausted", *STRAIN)
postgres.statements_gone(blind, system)
