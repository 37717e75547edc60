"""The custom domains and the system's records of them, from its table, its API, or a list of names."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runbook_checks.config import capabilities
    from runbook_checks.handles.system_probes import Bound

RESOURCE = "domain-records"
PAGE = 2000  # rows per query
MOMENTS = ("next_retry_at", "verified_at", "ssl_issued_at", "ssl_expires_at", "created_at")
TEXTS = ("status", "verification_token", "ssl_status", "last_verification_error", "support_url", "workspace_id")
REPEATED = ("status", "ssl_status", "workspace_id")
NEEDED = ("domain", "status", "verification_token", "ssl_status", "created_at")
# The SOP adds these columns; an older table lacks them.
OPTIONAL = ("verification_attempts", "last_verification_error", "next_retry_at", "support_url", "workspace_id")


@dataclass(frozen=True, slots=True)
class Record:
    """The system's record of a domain; unknown fields are None. Times are seconds since the epoch."""

    domain: str
    id: str | None = None
    workspace_id: str | None = None
    status: str | None = None
    verification_token: str | None = None
    verification_attempts: int | None = None
    last_verification_error: str | None = None
    next_retry_at: float | None = None
    support_url: str | None = None
    ssl_status: str | None = None
    verified_at: float | None = None
    ssl_issued_at: float | None = None
    ssl_expires_at: float | None = None
    created_at: float | None = None
    is_told: bool = False
    """The record comes from the system; otherwise only the name is known."""


def read(bound: Bound, settings: capabilities.Domains) -> list[Record]:
    """Return every domain once, by name; NoReading if the source is unreadable, lacks columns, or has no domain."""
    if settings.table is not None and bound.settings.mysql is not None:
        records = list(_from_table(bound, settings.table))
        source = f"the table {settings.table.name}"
    elif settings.api is not None:
        records = list(_from_api(bound, settings.api))
        source = "the API"
    elif settings.names:
        records = [Record(name.strip().rstrip(".").lower()) for name in settings.names]
        source = "the list in the environment file"
    else:
        what = "no source of domains is configured: set domains.table (and mysql), domains.api or domains.names"
        raise NoReading(RESOURCE, what, kind="no-source")
    if not records:
        raise NoReading(RESOURCE, f"{source} contains no domain", kind="no-domains")
    if len(records) > settings.most:
        what = f"{source} contains {len(records)} domains, more than domains.most ({settings.most})"
        raise NoReading(RESOURCE, what, kind="too-many")
    return sorted({record.domain: record for record in records}.values(), key=lambda record: record.domain)


def _from_table(bound: Bound, table: capabilities.DomainsTable) -> Iterator[Record]:
    columns = _columns(bound, table.name)
    last: Any = 0
    while True:
        listed = ", ".join(f"`{column}`" for column in columns)
        sql = f"SELECT {listed} FROM `{_plain(table.name)}` WHERE id > %s ORDER BY id LIMIT {PAGE}"  # noqa: S608
        rows = bound.mysql.query(sql, [last])
        yield from (_record(row, "the table") for row in rows)
        if len(rows) < PAGE:
            return
        last = rows[-1]["id"]


def _columns(bound: Bound, table: str) -> list[str]:
    sql = (
        "SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
    )
    there = {str(row["name"]) for row in bound.mysql.query(sql, [table])}
    if not there:
        what = f"the table {table} does not exist, or the account may not SELECT from it"
        raise NoReading("mysql", what, kind="undefined-table")
    lacking = [column for column in ("id", *NEEDED, "ssl_issued_at", "ssl_expires_at") if column not in there]
    if lacking:
        raise NoReading("mysql", f"the table {table} lacks {', '.join(lacking)}", kind="undefined-column")
    return [column for column in ("id", "domain", *TEXTS, *MOMENTS, "verification_attempts") if column in there]


def _plain(name: str) -> str:
    return name.replace("`", "``")


def _from_api(bound: Bound, api: capabilities.DomainsApi) -> Iterator[Record]:
    if not api.workspaces:
        raise NoReading(RESOURCE, "domains.api.workspaces is empty", kind="no-source")
    settings = bound.settings.http
    token = bound.value(settings.token, RESOURCE) if settings else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for workspace in api.workspaces:
        path = api.path.replace("{workspace}", workspace)
        answer = bound.http.send("GET", path, headers=headers)
        if answer.status != 200:
            what = f"GET {path} got HTTP {answer.status}"
            raise NoReading(RESOURCE, what, kind="refused" if answer.status in (401, 403) else "unexpected-status")
        document = answer.json()
        listed = document.get(api.field) if isinstance(document, dict) else document
        if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
            raise NoReading(RESOURCE, f"GET {path} did not return a list of domains", kind="malformed-answer")
        yield from (_record({"workspace_id": workspace} | entry, path) for entry in listed)


def _record(row: dict[str, Any], source: str) -> Record:
    lacking = [name for name in NEEDED if name not in row]
    if lacking:
        raise NoReading(RESOURCE, f"{source} returns a domain without {', '.join(lacking)}", kind="missing-field")
    attempts = row.get("verification_attempts")
    values: dict[str, Any] = {name: _text(row.get(name)) for name in TEXTS}
    # Most records have one of a few values here; equal texts share one object.
    values |= {name: sys.intern(values[name]) for name in REPEATED if values[name] is not None}
    values |= {name: moment(row.get(name), name) for name in MOMENTS}
    return Record(
        domain=str(row["domain"]).strip().rstrip(".").lower(),
        id=None if row.get("id") is None else str(row["id"]),
        **values,
        verification_attempts=attempts if isinstance(attempts, int) else None,
        is_told=True,
    )


def _text(value: Any) -> str | None:
    return None if value is None else one_line(str(value))


def moment(value: Any, name: str) -> float | None:
    """Parse a time from a table (its session is in UTC) or from JSON (RFC 3339); without a zone it is UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            what = f"{name} is {one_line(value, 40)!r}, which is not a time"
            raise NoReading(RESOURCE, what, kind="malformed-answer") from None
    if not isinstance(value, datetime):
        raise NoReading(RESOURCE, f"{name} is {type(value).__name__}, which is not a time", kind="malformed-answer")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def of_chosen(records: Iterable[Record], chosen: Iterable[str]) -> list[Record]:
    """Return the domains that --domain names, or all if it names none."""
    from runbook_checks.probes.net.name_server import in_ascii

    wanted = {_normalized(name, in_ascii) for name in chosen}
    return [r for r in records if not wanted or _normalized(r.domain, in_ascii) in wanted]


def _normalized(name: str, in_ascii: Callable[[str], str]) -> str:
    """Return the form of a name that all its spellings share."""
    try:
        return in_ascii(name)
    except ValueError:
        return name
