"""Sources and privileges that can be removed from the checks of ReverseAI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import system
from runbook_checks_lab.outages.shared import metrics, trust
from runbook_checks_lab.registry import OutagesOf
from runbook_checks_lab.reverseai.accounts import MONITOR
from runbook_checks_lab.reverseai.names import DATABASE, PREFIX
from runbook_checks_lab.servers.answers import Canned

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

outage = OutagesOf("reverseai")


trust.gone(
    outage,
    "contract.violated",
    "health.unreachable",
    "health.server-error",
    "health.degraded",
    "health.slow",
    "health.wrong-version",
    "health.key-function",
)
metrics.unseen(outage, system, "slo.error-rate", "slo.latency", "slo.execution-success")


def _revoke(lab: Lab, *grants: str) -> Iterator[None]:
    server = lab.reverseai.mariadb
    server.run(*(f"REVOKE {grant} FROM '{MONITOR}'@'%'" for grant in grants))
    yield
    server.run(*(f"GRANT {grant} TO '{MONITOR}'@'%'" for grant in grants))


@outage("mysql-process-revoked", "database.connections-exhausted", "database.long-running-query", "migration.missing")
def other_sessions_hidden(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, "PROCESS ON *.*")


@outage("mysql-slow-log-revoked", "database.slow-queries")
def slow_log_closed(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, "SELECT ON mysql.slow_log")


@outage("mysql-slow-log-off")
def slow_log_not_kept(lab: Lab) -> Iterator[None]:
    """The statement summaries are still readable."""
    lab.reverseai.mariadb.run("SET GLOBAL slow_query_log = 0")
    yield
    lab.reverseai.mariadb.run("SET GLOBAL slow_query_log = 1")


@outage("mysql-tables-revoked", "database.unreachable", "database.table-size")
def tables_closed(lab: Lab) -> Iterator[None]:
    """An account without any privilege in a database cannot connect to it either."""
    yield from _revoke(lab, f"SELECT ON {DATABASE}.*")


@outage("mysql-never-greets", "database.table-size", "migration.missing", "database.slow-queries")
def accepts_without_response(lab: Lab) -> None:
    lab.reverseai.database_port.behaviour.never_greets = True


@outage("mysql-accounts-revoked", "provision.user-missing", "provision.orphaned")
def accounts_hidden(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, "SELECT ON mysql.user")


@outage("mysql-grants-revoked", "provision.user-missing")
def grants_hidden(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, "SELECT ON mysql.db")


@outage("mysql-databases-revoked", "provision.database-missing", "provision.orphaned")
def databases_hidden(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, "SHOW DATABASES ON *.*")


def _emptied(lab: Lab, table: str) -> Iterator[None]:
    """The table looks as on an unused server."""
    server = lab.reverseai.mariadb
    server.run(f"RENAME TABLE {DATABASE}.{table} TO {DATABASE}.lab_{table}")
    server.run(f"CREATE TABLE {DATABASE}.{table} LIKE {DATABASE}.lab_{table}")
    yield
    server.run(f"DROP TABLE {DATABASE}.{table}", f"RENAME TABLE {DATABASE}.lab_{table} TO {DATABASE}.{table}")


@outage("executions-empty", "execution.stuck", "execution.failing", "execution.node-errors", "execution.empty-result")
def no_executions(lab: Lab) -> Iterator[None]:
    yield from _emptied(lab, "what_reverse_executions")


@outage("records-empty", "provision.stuck", "provision.failed", "provision.database-missing", "provision.user-missing")
def no_workspaces(lab: Lab) -> Iterator[None]:
    yield from _emptied(lab, "what_reverse_workspace_databases")


@outage("events-empty", "abuse.surge")
def no_events(lab: Lab) -> Iterator[None]:
    yield from _emptied(lab, "what_reverse_runtime_events")


@outage(
    "token-refused",
    "provision.quota-exceeded",
    "abuse.policy-open",
    "abuse.list-malformed",
    "sop.missing",
    "recovery.not-possible",
    "backup.stale",
)
def token_rotated(lab: Lab) -> None:
    lab.reverseai.service.behaviour.token = "rotated-without-the-checks"  # noqa: S105  made up


@outage("quota-without-numbers", "provision.quota-exceeded")
def quota_is_text(lab: Lab) -> None:
    canned = lab.reverseai.service.behaviour.canned
    canned[f"GET {PREFIX}/billing/*"] = Canned(200, {"db_storage_gb": {"used": "1.2 GB", "limit": "10 GB"}})


@outage("policy-without-rules", "abuse.policy-open", "abuse.list-malformed")
def policy_is_half(lab: Lab) -> None:
    canned = lab.reverseai.service.behaviour.canned
    canned[f"GET {PREFIX}/workspaces/*/access-policy"] = Canned(200, {"policy": "public_anonymous"})


@outage("database-without-backup-field", "recovery.not-possible", "backup.stale")
def database_is_half(lab: Lab) -> None:
    canned = lab.reverseai.service.behaviour.canned
    canned[f"GET {PREFIX}/workspaces/*/database"] = Canned(200, {"status": "ready"})


@outage("sops-not-json", "sop.missing")
def sops_are_a_page(lab: Lab) -> None:
    canned = lab.reverseai.service.behaviour.canned
    canned[f"GET {PREFIX}/admin/ops/sops"] = Canned(200, "<html><body>Sign in</body></html>")


@outage("loki-stream-missing", "logs.errors")
def runtime_does_not_log(lab: Lab) -> None:
    lab.reverseai.loki.behaviour.hidden = ("runtime",)


@outage("loki-other-tenant", "logs.errors")
def no_lines_of_the_service(lab: Lab) -> None:
    lab.reverseai.loki.behaviour.tenant = "another"


@outage("loki-overloaded", "logs.errors")
def loki_refuses(lab: Lab) -> None:
    behaviour = lab.reverseai.loki.behaviour
    behaviour.status, behaviour.page = 429, "Maximum active stream limit exceeded"


@outage("loki-is-a-page", "logs.errors")
def login_page_in_place_of_loki(lab: Lab) -> None:
    behaviour = lab.reverseai.loki.behaviour
    behaviour.status, behaviour.page = 200, "<html><body>Grafana</body></html>"
