"""Sources and privileges that can be removed from the checks of Sales AI."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.outages.shared import postgres, trust
from runbook_checks_lab.registry import OutagesOf
from runbook_checks_lab.sales_ai.names import COMMANDS, VERSION
from runbook_checks_lab.servers.answers import Canned
from runbook_checks_lab.servers.files import away, unreadable

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.sales_ai.system import SalesAi

outage = OutagesOf("sales-ai")
STALE_S = 6 * 3600


def system(lab: Lab) -> SalesAi:
    return lab.sales_ai


postgres.monitor_revoked(
    outage,
    system,
    "database.connections-exhausted",
    "database.long-running-query",
    "database.slow-queries",
    "database.lock-waits",
    "database.idle-connections",
)
postgres.statements_gone(outage, system)
postgres.counters_gone(outage, system, "database.unused-indexes", "database.vacuum-overdue")
postgres.rows_hidden(outage, system, "conversations", "database.retention-overdue")
postgres.catalog_revoked(outage, system, "migration.missing")


def _respond(lab: Lab, path: str, status: int, body: Any) -> None:
    lab.sales_ai.service.behaviour.canned[f"GET {path}"] = Canned(status, body)


@outage("version-not-told", "health.wrong-version")
def version_not_found(lab: Lab) -> None:
    _respond(lab, VERSION, 404, {"detail": "Not Found"})


@outage("openapi-forbidden", "contract.violated")
def document_forbidden(lab: Lab) -> None:
    _respond(lab, "/openapi.json", 403, {"detail": "Forbidden"})


@outage("dotenv-missing", "preflight.variable-missing", "preflight.dsn-malformed", "preflight.example-credential")
def dotenv_gone(lab: Lab) -> Iterator[None]:
    with away(lab.sales_ai.dotenv.path):
        yield


@outage("rollback-folder-unreadable", "rollback.not-possible")
def rollback_folder_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.sales_ai.rollback.artefact.parent):
        yield


trust.gone(outage, "health.unreachable", "database.unreachable")


@outage(
    "dns-silent",
    "domain.certificate-expired",
    "domain.certificate-expiring",
    "domain.certificate-invalid",
    "health.degraded",
    "health.server-error",
    "health.slow",
    "health.key-function",
    "health.wrong-version",
    "contract.violated",
    "migration.missing",
    "queue.backlog",
    "queue.consumer-missing",
    "slack.no-response",
    "slack.forgery-accepted",
    "slack.token-invalid",
    "dependency.groq-limited",
    "dependency.provider-incident",
    is_shared=True,
)
def name_server_silent(lab: Lab) -> None:
    lab.dns.behaviour.is_silent = True


@outage("cloudflare-token-expired", "queue.backlog", "queue.consumer-missing")
def cloudflare_token_expired(lab: Lab) -> None:
    lab.sales_ai.cloudflare.behaviour.key = "another"


@outage("cloudflare-token-may-not-read-queues", "queue.backlog", "queue.consumer-missing")
def cloudflare_token_narrowed(lab: Lab) -> None:
    lab.sales_ai.cloudflare.behaviour.may_read_queues = False


@outage("cloudflare-refuses-connections", "queue.backlog", "queue.consumer-missing")
def cloudflare_unreachable(lab: Lab) -> None:
    lab.sales_ai.cloudflare.front.behaviour.door = "refused"


@outage("cloudflare-limits", "queue.backlog", "queue.consumer-missing")
def cloudflare_rate_limited(lab: Lab) -> None:
    rules = lab.sales_ai.cloudflare.behaviour
    rules.refusals, rules.retry_after_s = 1000, None


@outage("cloudflare-limits-for-a-minute", "queue.backlog", "queue.consumer-missing")
def cloudflare_retry_after(lab: Lab) -> None:
    rules = lab.sales_ai.cloudflare.behaviour
    rules.refusals, rules.retry_after_s = 1000, 60.0


@outage("cloudflare-limits-once")
def cloudflare_rate_limited_once(lab: Lab) -> None:
    lab.sales_ai.cloudflare.behaviour.refusals = 1


@outage("slack-limits-once")
def slack_rate_limited_once(lab: Lab) -> None:
    rules = lab.sales_ai.slack.behaviour
    rules.refusals, rules.retry_after_s = 1, None


@outage("account-empty")
def account_without_queues(lab: Lab) -> None:
    lab.sales_ai.cloudflare.behaviour.is_empty = True


@outage("account-unknown", "queue.backlog", "queue.consumer-missing")
def another_account(lab: Lab) -> None:
    lab.sales_ai.cloudflare.behaviour.account = "0" * 32


@outage("analytics-forbidden")
def analytics_forbidden_with_log(lab: Lab) -> None:
    lab.sales_ai.cloudflare.behaviour.may_read_analytics = False


def _without_log(lab: Lab) -> Iterator[None]:
    with away(lab.sales_ai.log.path), lab.sales_ai.log.paused():
        yield


@outage("log-unreadable", "logs.errors")
def log_closed(lab: Lab) -> Iterator[None]:
    with lab.sales_ai.log.paused(), unreadable(lab.sales_ai.log.path):
        yield


@outage("log-empty", "logs.errors")
def log_truncated(lab: Lab) -> Iterator[None]:
    for _ in _without_log(lab):
        lab.sales_ai.log.path.touch()
        yield
        lab.sales_ai.log.path.unlink()


@outage("log-stale", "logs.errors")
def log_ended_hours_ago(lab: Lab) -> Iterator[None]:
    """The process that saves the log has stopped."""
    for _ in _without_log(lab):
        lab.sales_ai.log.fill_history(time.time() - STALE_S)
        yield
        lab.sales_ai.log.path.unlink()


@outage("analytics-forbidden-and-log-missing", "queue.failing", "logs.errors")
def analytics_forbidden(lab: Lab) -> Iterator[None]:
    lab.sales_ai.cloudflare.behaviour.may_read_analytics = False
    yield from _without_log(lab)


@outage("analytics-empty-and-log-missing", "queue.failing", "logs.errors")
def analytics_empty(lab: Lab) -> Iterator[None]:
    lab.sales_ai.cloudflare.behaviour.is_unsampled = True
    yield from _without_log(lab)


@outage("analytics-failing-and-log-missing", "queue.failing", "logs.errors")
def analytics_failing(lab: Lab) -> Iterator[None]:
    lab.sales_ai.cloudflare.behaviour.graphql_error = "cannot request data older than 2678400s"
    yield from _without_log(lab)


@outage("groq-quota-not-told", "dependency.groq-limited")
def groq_without_headers(lab: Lab) -> None:
    lab.sales_ai.groq.behaviour.sends_limits = False


@outage("groq-refuses-connections", "dependency.groq-limited")
def groq_unreachable(lab: Lab) -> None:
    lab.sales_ai.groq.front.behaviour.door = "refused"


@outage("slack-answers-with-a-page", "slack.token-invalid")
def slack_is_a_page(lab: Lab) -> None:
    lab.sales_ai.slack.behaviour.canned["GET /api/auth.test"] = Canned(200, "<html><body>Slack</body></html>")


@outage("slack-refuses-connections", "slack.token-invalid")
def slack_unreachable(lab: Lab) -> None:
    lab.sales_ai.slack.front.behaviour.door = "refused"


@outage("command-answers-with-a-page", "slack.no-response")
def command_is_a_page(lab: Lab) -> None:
    lab.sales_ai.service.behaviour.canned[f"POST {COMMANDS}"] = Canned(200, "<html><body>Soon back</body></html>")


@outage("command-limited", "slack.forgery-accepted")
def command_limited(lab: Lab) -> None:
    lab.sales_ai.service.behaviour.canned[f"POST {COMMANDS}"] = Canned(429, {"error": "slow down"})


@outage("status-page-of-another-form", "dependency.provider-incident")
def status_page_changed(lab: Lab) -> None:
    lab.sales_ai.status.behaviour.canned["GET /neon/api/v2/summary.json"] = Canned(200, {"summary": {"ongoing": []}})


@outage("status-pages-refuse-connections", "dependency.provider-incident")
def status_pages_unreachable(lab: Lab) -> None:
    lab.sales_ai.status.front.behaviour.door = "refused"


@outage("storage-clock-far-off", "dependency.object-storage", "backup.stale", "backup.corrupt")
def storage_clock_far_off(lab: Lab) -> None:
    lab.moto.behaviour.clock_offset_s = 1800.0


@outage("direct-refused", "webhook.clock-drift")
def direct_address_closed(lab: Lab) -> None:
    lab.sales_ai.direct.behaviour.door = "refused"


@outage("no-date", "webhook.clock-drift")
def no_date_header(lab: Lab) -> None:
    lab.sales_ai.service.behaviour.sends_date = False


@outage("backup-bucket-denied", "backup.stale", "backup.corrupt", "backup.not-restorable")
def backup_key_refused(lab: Lab) -> None:
    lab.moto.behaviour.refused.append(lab.sales_ai.backup_key_id)


@outage("backup-bucket-missing", "backup.stale", "backup.corrupt")
def backup_bucket_gone(lab: Lab) -> Iterator[None]:
    lab.sales_ai.dumps.remove_bucket()
    yield
    lab.sales_ai.dumps.make()
    lab.sales_ai.dumps.fill()


@outage("neon-key-rejected", "backup.stale")
def neon_key_removed(lab: Lab) -> None:
    lab.sales_ai.neon.behaviour.key = "napi_another"


@outage("neon-project-missing", "backup.stale")
def neon_project_gone(lab: Lab) -> None:
    lab.sales_ai.neon.behaviour.project = "sales-ai-moved-87654321"
