"""Sources and privileges that can be removed from the checks of Aura Flow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import AI_STATUS, HEALTH, LOGIN, ME, METRICS, MONITOR
from runbook_checks_lab.faults.aura_flow import system
from runbook_checks_lab.outages.shared import metrics, postgres, trust
from runbook_checks_lab.registry import OutagesOf
from runbook_checks_lab.servers.answers import Canned
from runbook_checks_lab.servers.files import away, unreadable

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

outage = OutagesOf("aura-flow")
SEEN_BY_NAME = ("domain.certificate-expired", "domain.certificate-expiring", "domain.certificate-invalid")

WEB = (
    "web.cors-rejected",
    "web.cors-open",
    "web.asset-missing",
    "web.proxy-broken",
    "web.page-slow",
    "web.upload-failing",
)
AUTH = ("auth.login-failing", "auth.forgery-accepted", "auth.role-not-enforced")


trust.gone(outage, "health.unreachable", "database.unreachable", "auth.rate-limit-missing", "slo.throughput")


@outage(
    "dns-silent",
    *SEEN_BY_NAME,
    "domain.https-broken",
    "health.degraded",
    "health.server-error",
    "health.slow",
    "health.key-function",
    "contract.violated",
    *WEB,
    *AUTH,
    is_shared=True,
)
def name_server_silent(lab: Lab) -> None:
    lab.dns.behaviour.is_silent = True


@outage("version-not-told", "health.wrong-version")
def health_without_version(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.canned[f"GET {HEALTH}"] = Canned(200, {"status": "ok"})


@outage("metrics-forbidden", "health.metrics-unreadable")
def metrics_forbidden(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.canned[f"GET {METRICS}"] = Canned(403, {"error": "internal addresses only"})


@outage("no-date", "webhook.clock-drift")
def no_date(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.sends_date = False


OBJECTIVES = ("slo.error-rate", "slo.latency", "slo.availability", "slo.database-availability")
metrics.unseen(outage, system, *OBJECTIVES, "capacity.disk", "capacity.memory", "capacity.cpu", "rollback.due")

STRAIN = ("database.long-running-query", "database.slow-queries", "database.lock-waits")
postgres.monitor_revoked(outage, system, "database.connections-exhausted", *STRAIN)
postgres.statements_gone(outage, system)
postgres.rows_hidden(outage, system, "_prisma_migrations", "migration.unfinished")
postgres.catalog_revoked(outage, system, "migration.missing")

VARIABLES = ("variable-missing", "dsn-malformed", "example-credential", "wrong-mode")


@outage("postgres-never-greets", "migration.missing", "migration.unfinished", *STRAIN)
def accepts_without_response(lab: Lab) -> None:
    lab.aura_flow.database_port.behaviour.silent_for = lab.aura_flow.monitor_role


@outage("redis-info-revoked", "dependency.redis")
def redis_info_refused(lab: Lab) -> Iterator[None]:
    lab.aura_flow.redis.run("ACL", "SETUSER", MONITOR, "-info")
    yield
    lab.aura_flow.redis.run("ACL", "SETUSER", MONITOR, "+info")


@outage("registry-forbidden", "rollback.not-possible")
def registry_forbidden(lab: Lab) -> None:
    lab.aura_flow.registry.behaviour.knows_us = False


@outage("registry-is-a-page", "rollback.not-possible")
def registry_not_found(lab: Lab) -> None:
    """A 404 without a registry's error code does not show whether the image exists."""
    lab.aura_flow.registry.behaviour.is_a_page = True


@outage("rollback-folder-unreadable", "rollback.not-possible")
def rollback_folder_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.aura_flow.rollback.script.parent):
        yield


@outage("ai-status-forbidden", "ai.quota-exceeded")
def ai_status_forbidden(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.canned[f"GET {AI_STATUS}"] = Canned(403, {"error": "internal addresses only"})


@outage("ai-status-without-quota", "ai.quota-exceeded")
def ai_status_of_another_shape(lab: Lab) -> None:
    said = {"provider": "openai", "provider_status": "ok", "degraded": False}
    lab.aura_flow.service.behaviour.canned[f"GET {AI_STATUS}"] = Canned(200, said)


@outage("dotenv-missing", *(f"preflight.{name}" for name in VARIABLES))
def dotenv_gone(lab: Lab) -> Iterator[None]:
    with away(lab.aura_flow.dotenv.path):
        yield


@outage("log-file-missing", "logs.errors", "logs.slow-requests")
def log_gone(lab: Lab) -> Iterator[None]:
    with away(lab.aura_flow.log.path), lab.aura_flow.log.paused():
        yield


@outage("log-file-unreadable", "logs.errors", "logs.slow-requests")
def log_closed(lab: Lab) -> Iterator[None]:
    with lab.aura_flow.log.paused(), unreadable(lab.aura_flow.log.path):
        yield


@outage("log-stale", "logs.errors", "logs.slow-requests")
def log_ended_hours_ago(lab: Lab) -> Iterator[None]:
    log, ended = lab.aura_flow.log, time.time() - 6 * 3600
    with away(log.path), log.paused():
        log.begin(ended)
        os.utime(log.path, (ended, ended))
        yield
        log.path.unlink()


@outage("log-without-times", "logs.slow-requests")
def requests_not_timed(lab: Lab) -> Iterator[None]:
    log = lab.aura_flow.log
    with away(log.path), log.paused():
        log.begin(time.time())
        log.path.write_text(log.path.read_text().replace('"responseTime"', '"bytes"'))
        yield
        log.path.unlink()


@outage("login-without-token", *AUTH, "web.upload-failing")
def login_returns_no_token(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.canned[f"POST {LOGIN}"] = Canned(200, {"user": "checks"})


@outage("forgeries-not-judged", "auth.forgery-accepted")
def failing_for_every_caller(lab: Lab) -> None:
    """The address fails for every caller, so an accepted forged token proves nothing."""
    lab.aura_flow.service.behaviour.canned[f"GET {ME}"] = Canned(503, {"error": "not now"})


@outage("cors-control-refused", "web.cors-open")
def every_caller_refused(lab: Lab) -> None:
    """Every caller is refused, not only those without a valid token."""
    lab.aura_flow.service.behaviour.cors.is_silent = True


@outage("backup-folder-missing", "backup.stale", "backup.corrupt", "backup.not-restorable")
def backup_folder_gone(lab: Lab) -> Iterator[None]:
    with away(lab.aura_flow.dumps.folder):
        yield


@outage("backup-folder-unreadable", "backup.stale", "backup.corrupt")
def backup_folder_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.aura_flow.dumps.folder):
        yield


@outage("drill-record-unreadable", "backup.drill-overdue")
def drill_record_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.aura_flow.drills.path):
        yield
