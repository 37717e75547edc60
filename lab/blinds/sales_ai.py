"""Which sources and privileges can be taken from the checks of Sales AI?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lab.blinds.shared import postgres
from lab.registry import BlindsOf
from lab.sales_ai.names import VERSION
from lab.servers.answers import Canned
from lab.servers.files import away, unreadable

if TYPE_CHECKING:
    from lab.lab import Lab
    from lab.sales_ai.system import SalesAi

blind = BlindsOf("sales-ai")


def system(lab: Lab) -> SalesAi:
    return lab.sales_ai


postgres.monitor_revoked(
    blind,
    system,
    "database.connections-exhausted",
    "database.long-running-query",
    "database.slow-queries",
    "database.lock-waits",
    "database.idle-connections",
)
postgres.statements_gone(blind, system)
postgres.counters_gone(blind, system, "database.unused-indexes", "database.vacuum-overdue")
postgres.rows_hidden(blind, system, "conversations", "database.retention-overdue")
postgres.catalog_revoked(blind, system, "migration.missing")


def _say(lab: Lab, path: str, status: int, body: Any) -> None:
    lab.sales_ai.service.behaviour.canned[f"GET {path}"] = Canned(status, body)


@blind("version-not-told", "health.wrong-version")
def version_not_found(lab: Lab) -> None:
    _say(lab, VERSION, 404, {"detail": "Not Found"})


@blind("openapi-forbidden", "contract.violated")
def document_forbidden(lab: Lab) -> None:
    _say(lab, "/openapi.json", 403, {"detail": "Forbidden"})


@blind("dotenv-missing", "preflight.variable-missing", "preflight.dsn-malformed", "preflight.example-credential")
def dotenv_gone(lab: Lab) -> Iterator[None]:
    with away(lab.sales_ai.dotenv.path):
        yield


@blind("rollback-folder-unreadable", "rollback.not-possible")
def rollback_folder_closed(lab: Lab) -> Iterator[None]:
    with unreadable(lab.sales_ai.rollback.artefact.parent):
        yield


@blind("dns-silent", "domain.certificate-expired", "health.wrong-version")
def name_server_silent(lab: Lab) -> None:
    lab.dns.behaviour.is_silent = True
