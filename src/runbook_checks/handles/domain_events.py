"""Recent failures of domains, from the system's events table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading, one_line

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.handles.system_probes import Bound

RESOURCE = "domain-records"
VERIFY, ISSUE = "domain.verify.failed", "cert.issue.failed"
MOST = 5000


@dataclass(frozen=True, slots=True)
class Event:
    """One failure of a domain."""

    kind: str
    reason: str
    at: float  # seconds since the epoch


def read(bound: Bound, settings: capabilities.Domains, until: float) -> dict[str, list[Event]]:
    """Return events by domain, the newest first, of the hours before the run, so that its own effects do not count."""
    from runbook_checks.handles.domain_list import moment

    table = settings.table.events if settings.table else None
    if table is None or bound.settings.mysql is None:
        what = "failure events come from a table only: set domains.table.events and mysql"
        raise NoReading(RESOURCE, what, kind="no-source")
    name = table.replace("`", "``")
    sql = (
        f"SELECT event_type, payload_json, created_at FROM `{name}` WHERE event_type IN (%s, %s)"  # noqa: S608
        f" AND created_at >= FROM_UNIXTIME(%s) AND created_at <= FROM_UNIXTIME(%s)"
        f" ORDER BY created_at DESC LIMIT {MOST}"
    )
    found: dict[str, list[Event]] = {}
    for row in bound.mysql.query(sql, [VERIFY, ISSUE, until - settings.events_h * 3600, until]):
        payload = _payload(row["payload_json"])
        domain = str(payload.get("domain", "")).strip().rstrip(".").lower()
        at = moment(row["created_at"], "created_at")
        if domain and at is not None:
            found.setdefault(domain, []).append(Event(str(row["event_type"]), _reason(payload), at))
    return found


def _payload(text: Any) -> dict[str, Any]:
    try:
        payload = text if isinstance(text, dict) else json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _reason(payload: dict[str, Any]) -> str:
    """Return the reason in the event; the name of its field is not specified."""
    for name in ("reason", "error", "message", "code"):
        if isinstance(payload.get(name), str):
            return one_line(payload[name], 200)
    return "no reason given"
