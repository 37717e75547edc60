"""Which sources and privileges can be taken from the checks of Sales AI?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lab.registry import BlindsOf
from lab.sales_ai.names import VERSION
from lab.servers.answers import Canned
from lab.servers.files import away, unreadable

if TYPE_CHECKING:
    from lab.lab import Lab

blind = BlindsOf("sales-ai")


def _say(lab: Lab, path: str, status: int, body: Any) -> None:
    lab.sales_ai.service.behaviour.canned[f"GET {path}"] = Canned(status, body)


@blind("postgres-monitor-revoked", "database.connections-exhausted")
def other_sessions_hidden(lab: Lab) -> Iterator[None]:
    lab.sales_ai.postgres.run("REVOKE pg_monitor FROM sales_monitor")
    yield
    lab.sales_ai.postgres.run("GRANT pg_monitor TO sales_monitor")


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
