"""Sources and privileges that can be removed from the checks of AI Customer Service."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.customer_service.names import DATABASE, INFO, TABLES
from runbook_checks_lab.outages.shared import trust
from runbook_checks_lab.registry import OutagesOf
from runbook_checks_lab.servers.answers import Canned
from runbook_checks_lab.servers.files import away, unreadable

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

outage = OutagesOf("ai-customer-service")
STALE_S = 6 * 3600
CATALOG = ("pg_class", "pg_attribute", "pg_namespace", "pg_roles", "pg_tables")
STANDARD_VIEWS = ("information_schema.tables", "information_schema.columns")
FUNCTIONS = ("has_schema_privilege(name, text, text)", "has_database_privilege(name, text, text)")


def _revoke(lab: Lab, granted: Sequence[str], role: str, database: str = DATABASE) -> Iterator[None]:
    postgres = lab.customer_service.postgres
    postgres.run(*(f"REVOKE {what} FROM {role}" for what in granted), database=database)
    yield
    postgres.run(*(f"GRANT {what} TO {role}" for what in granted), database=database)


def _respond(lab: Lab, path: str, status: int, body: Any) -> None:
    lab.customer_service.service.behaviour.canned[f"GET {path}"] = Canned(status, body)


@outage("postgres-monitor-revoked", "database.connections-exhausted")
def other_sessions_hidden(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, ["pg_monitor"], "cs_monitor")


@outage("postgres-activity-revoked", "database.connections-exhausted")
def activity_view_closed(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, ["SELECT ON pg_catalog.pg_stat_activity"], "PUBLIC")


@outage("postgres-catalog-revoked", "migration.missing", "migration.column-drift")
def catalog_closed(lab: Lab) -> Iterator[None]:
    names = [f"pg_catalog.{name}" for name in CATALOG] + list(STANDARD_VIEWS)
    yield from _revoke(lab, [f"SELECT ON {name}" for name in names], "PUBLIC")


@outage("postgres-functions-revoked", "migration.permission-denied")
def privilege_functions_closed(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, [f"EXECUTE ON FUNCTION {name}" for name in FUNCTIONS], "PUBLIC")


@outage("postgres-tables-revoked")
def tables_closed(lab: Lab) -> Iterator[None]:
    """information_schema then shows the role no tables, as if they did not exist."""
    yield from _revoke(lab, [f"SELECT ON {table}" for table in TABLES], "cs_monitor")


@outage("postgres-audit-revoked", "webhook.chain-broken")
def audit_rows_closed(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, ["SELECT ON cs_audit_logs"], "cs_monitor")


@outage("postgres-messages-revoked", "webhook.duplicate-processed")
def message_rows_closed(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, ["SELECT ON cs_messages", "SELECT ON cs_message_dedup"], "cs_monitor")


@outage("postgres-schema-revoked")
def schema_closed(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, ["USAGE ON SCHEMA public"], "PUBLIC")


@outage("postgres-never-greets", "migration.missing", "migration.permission-denied", "migration.column-drift")
def accepts_without_response(lab: Lab) -> None:
    lab.customer_service.database_port.behaviour.silent_for = "cs_monitor"


@outage("dns-silent", "webhook.tampered-accepted", "migration.missing", "domain.certificate-expired", is_shared=True)
def name_server_silent(lab: Lab) -> None:
    lab.dns.behaviour.is_silent = True


@outage("log-file-missing", "logs.errors")
def log_gone(lab: Lab) -> Iterator[None]:
    with away(lab.customer_service.log.path), lab.customer_service.log.paused():
        yield


@outage("log-file-unreadable", "logs.errors")
def log_closed(lab: Lab) -> Iterator[None]:
    with lab.customer_service.log.paused(), unreadable(lab.customer_service.log.path):
        yield


@outage("log-empty", "logs.errors")
def log_truncated(lab: Lab) -> Iterator[None]:
    with away(lab.customer_service.log.path), lab.customer_service.log.paused():
        lab.customer_service.log.path.touch()
        yield
        lab.customer_service.log.path.unlink()


@outage("log-stale", "logs.errors")
def log_ended_hours_ago(lab: Lab) -> Iterator[None]:
    log = lab.customer_service.log
    with away(log.path), log.paused():
        log.fill(time.time() - STALE_S)
        os.utime(log.path, (time.time() - STALE_S,) * 2)
        yield
        log.path.unlink()


@outage("log-not-utf8", "logs.errors")
def log_is_binary(lab: Lab) -> Iterator[None]:
    log = lab.customer_service.log
    with away(log.path), log.paused():
        log.path.write_bytes(os.urandom(65536))
        yield
        log.path.unlink()


@outage("backup-folder-missing", "backup.stale")
def backup_folder_gone(lab: Lab) -> Iterator[None]:
    with away(lab.customer_service.backups):
        yield


@outage("backup-folder-unreadable", "backup.stale")
def backup_folder_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.customer_service.backups):
        yield


@outage(
    "dotenv-missing",
    "preflight.variable-missing",
    "preflight.memory-fallback",
    "preflight.dsn-malformed",
    "preflight.example-credential",
    "preflight.wrong-mode",
    "preflight.address-in-use",
)
def dotenv_gone(lab: Lab) -> Iterator[None]:
    with away(lab.customer_service.dotenv.path):
        yield


@outage("dotenv-unreadable", "preflight.variable-missing", "preflight.address-in-use")
def dotenv_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.customer_service.dotenv.path):
        yield


@outage("rollback-folder-unreadable", "rollback.not-possible")
def rollback_folder_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.customer_service.rollback.artefact.parent):
        yield


trust.gone(
    outage,
    "health.unreachable",
    "health.server-error",
    "health.not-live",
    "health.not-ready",
    "health.degraded",
    "health.slow",
    "database.unreachable",
    "domain.certificate-invalid",
    "domain.certificate-expiring",
    "webhook.signature-rejected",
    "webhook.unsigned-accepted",
    "webhook.stale-accepted",
)


@outage("intermediates-missing", is_shared=True)
def intermediates_gone(lab: Lab) -> Iterator[None]:
    with away(lab.authority.intermediates_file):
        yield


@outage("direct-refused", "webhook.clock-drift")
def direct_address_closed(lab: Lab) -> None:
    lab.customer_service.direct.behaviour.door = "refused"


@outage("date-header-missing", "webhook.clock-drift")
def no_date_header(lab: Lab) -> None:
    lab.customer_service.service.behaviour.sends_date = False


@outage("version-not-told", "health.wrong-version")
def info_not_found(lab: Lab) -> None:
    _respond(lab, INFO, 404, {"detail": "Not Found"})


@outage("version-field-missing", "health.wrong-version")
def info_without_version(lab: Lab) -> None:
    _respond(lab, INFO, 200, {"app": {"name": "ai-customer-service"}})


@outage("openapi-not-json")
def document_is_html(lab: Lab) -> None:
    _respond(lab, "/openapi.json", 200, "<html><body>Swagger</body></html>")


@outage("openapi-forbidden", "contract.violated")
def document_forbidden(lab: Lab) -> None:
    _respond(lab, "/openapi.json", 403, {"detail": "Forbidden"})
