"""Read Cloudflare queues: their state by the REST API, their operations by the GraphQL Analytics API.

API v4 (developers.cloudflare.com/api, Queues) and the GraphQL Analytics API (Queues, Metrics), as of 2026-04.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.http.json_api import Api, document, malformed, said
from runbook_checks.probes.http.rate_limits import patiently

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Answer, Http

RESOURCE = "queue"
MAX_PAGES = 50
PER_PAGE = 100
KINDS = {401: "unauthorized", 403: "no-privilege", 404: "not-found"}
GROUPS_FILTER = "filter: {queueId: $queueId, datetime_geq: $begin, datetime_leq: $end}"
HEAD = "query Queue($accountTag: string!, $queueId: string!, $begin: Time!, $end: Time!)"
OPERATIONS = "queueMessageOperationsAdaptiveGroups(limit: 10000, {}) {{ count dimensions {{ actionType outcome }} }}"
BACKLOG = "queueBacklogAdaptiveGroups(limit: 10000, {}) {{ avg {{ messages }} dimensions {{ datetimeMinute }} }}"


@dataclass(frozen=True)
class Consumer:
    """One consumer; settings that Cloudflare leaves out are None."""

    kind: str  # "worker" or "http_pull"
    script: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    id: str
    name: str
    is_paused: bool
    consumers: tuple[Consumer, ...]


@dataclass(frozen=True)
class Waiting:
    """The waiting messages, by Cloudflare's best effort; the oldest's age in seconds, None where it isn't known."""

    count: int
    oldest_age_s: float | None


class Cloudflare:
    """One account."""

    def __init__(self, http: Http, account: str) -> None:
        self._api = Api(http, RESOURCE)
        self._account = account

    def close(self) -> None:
        self._api.close()

    def queue(self, name: str) -> tuple[Queue | None, int]:
        """The queue with this name or None, and the number of queues in the account."""
        seen = 0
        for entry in self._listed():
            seen += 1
            if entry.get("queue_name") == name:
                return self._queue(str(entry.get("queue_id"))), seen
        return None, seen

    def waiting(self, queue_id: str) -> Waiting:
        """The messages that wait now. NoReading where the response has no count."""
        answer = self._api.get(f"/accounts/{self._account}/queues/{queue_id}/metrics")
        found = _result(answer, dict)
        count, oldest_ms = found.get("backlog_count"), found.get("oldest_message_timestamp_ms")
        if isinstance(count, bool) or not isinstance(count, int | float) or count < 0:
            raise malformed(RESOURCE, answer, "has no backlog_count")
        known = isinstance(oldest_ms, int | float) and oldest_ms > 0  # 0: not known
        return Waiting(round(count), max(0.0, answer.received_at - oldest_ms / 1000) if known else None)

    def operations(self, queue_id: str, since: float, until: float) -> dict[tuple[str, str], int]:
        """The number of operations between two times (s since the epoch), {} where analytics have none.

        By action (WriteMessage, ReadMessage, DeleteMessage) and outcome (of deletes: success, dlq, fail).
        """
        counts: dict[tuple[str, str], int] = {}
        for row in self._groups(OPERATIONS, queue_id, since, until):
            dimensions, count = row.get("dimensions"), row.get("count")
            if not isinstance(dimensions, dict) or isinstance(count, bool) or not isinstance(count, int):
                raise NoReading(RESOURCE, "a group of Cloudflare's analytics has no count", kind="malformed-answer")
            key = (str(dimensions.get("actionType")), str(dimensions.get("outcome") or ""))
            counts[key] = counts.get(key, 0) + count
        return counts

    def backlog(self, queue_id: str, since: float, until: float) -> list[tuple[str, float]]:
        """The average number of waiting messages, minute by minute, oldest first."""
        points = []
        for row in self._groups(BACKLOG, queue_id, since, until):
            average, dimensions = row.get("avg"), row.get("dimensions")
            messages = average.get("messages") if isinstance(average, dict) else None
            minute = dimensions.get("datetimeMinute") if isinstance(dimensions, dict) else None
            if not isinstance(messages, int | float) or not isinstance(minute, str):
                raise NoReading(RESOURCE, "a group of Cloudflare's analytics has no average", kind="malformed-answer")
            points.append((minute, float(messages)))
        return sorted(points)

    def _listed(self) -> Iterator[dict[str, Any]]:
        for page in range(1, MAX_PAGES + 1):
            answer = self._api.get(f"/accounts/{self._account}/queues?page={page}&per_page={PER_PAGE}")
            yield from (entry for entry in _result(answer, list) if isinstance(entry, dict))
            info = document(answer, RESOURCE).get("result_info")
            pages = info.get("total_pages") if isinstance(info, dict) else None
            if not isinstance(pages, int) or page >= pages:
                return
        raise NoReading(RESOURCE, f"the account has more than {MAX_PAGES} pages of queues", kind="incomplete")

    def _queue(self, queue_id: str) -> Queue:
        path = f"/accounts/{self._account}/queues/{queue_id}"
        found = _result(self._api.get(path), dict)
        consumers = _result(self._api.get(f"{path}/consumers"), list)
        settings = found.get("settings")
        is_paused = isinstance(settings, dict) and settings.get("delivery_paused") is True
        return Queue(queue_id, str(found.get("queue_name")), is_paused, tuple(map(_consumer, consumers)))

    def _groups(self, node: str, queue_id: str, since: float, until: float) -> list[dict[str, Any]]:
        inner = "rows: " + node.format(GROUPS_FILTER)
        query = f"{HEAD} {{ viewer {{ accounts(filter: {{accountTag: $accountTag}}) {{ {inner} }} }} }}"
        span = {"begin": _stamp(since), "end": _stamp(until)}
        accounts = self._analytics(query, {"accountTag": self._account, "queueId": queue_id, **span})
        if not accounts:
            raise NoReading(RESOURCE, "Cloudflare's analytics have no such account", kind="not-found")
        rows = accounts[0].get("rows")
        if not isinstance(rows, list):
            raise NoReading(RESOURCE, "Cloudflare's analytics answer without groups", kind="malformed-answer")
        return [row for row in rows if isinstance(row, dict)]

    def _analytics(self, query: str, variables: dict[str, str]) -> list[dict[str, Any]]:
        """Send a query, which only reads although it is a POST. Its errors come inside a 200."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        with reading("Cloudflare's analytics"):
            send = partial(self._api.http.send, "POST", "/graphql", headers=headers, body=body, even_limited=True)
            answer = patiently(send, RESOURCE)
            found = document(answer, RESOURCE)
            if answer.status != 200 or found.get("success") is False:
                raise _refused(answer, found)
            if found.get("errors"):
                raise _graphql_error(found["errors"])
            try:
                accounts = found["data"]["viewer"]["accounts"]
                return [account for account in accounts if isinstance(account, dict)]
            except (KeyError, TypeError):
                raise malformed(RESOURCE, answer, "has no viewer.accounts") from None


def _result(answer: Answer, kind: type) -> Any:
    """The `result` of a response."""
    found = document(answer, RESOURCE)
    if answer.status != 200 or found.get("success") is not True:
        raise _refused(answer, found)
    if not isinstance(found.get("result"), kind):
        raise malformed(RESOURCE, answer, f"has no {kind.__name__} as its result")
    return found["result"]


def _refused(answer: Answer, found: Mapping[str, Any]) -> NoReading:
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    why = f"{first.get('code', 'no code')} {said(first.get('message', 'without a message'))}"
    hint = ": is the token still valid?" if answer.status == 401 else ""
    hint = ": may the token read queues (Account, Queues, Read)?" if answer.status == 403 else hint
    reason = f"Cloudflare refuses with HTTP {answer.status}: {why}{hint}"
    return NoReading(RESOURCE, reason, kind=KINDS.get(answer.status, "wrong-status"))


def _graphql_error(errors: Any) -> NoReading:
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    extensions = first.get("extensions")
    is_authz = isinstance(extensions, dict) and extensions.get("code") == "authz"
    hint = ": may the token read analytics (Account, Account Analytics, Read)?" if is_authz else ""
    reason = f"Cloudflare's analytics answer with an error: {said(first.get('message', errors))}{hint}"
    return NoReading(RESOURCE, reason, kind="no-privilege" if is_authz else "graphql-error")


def _consumer(entry: Any) -> Consumer:
    entry = entry if isinstance(entry, dict) else {}
    settings = entry.get("settings")
    script = entry.get("script") or entry.get("script_name") or entry.get("service")
    return Consumer(
        str(entry.get("type") or "worker"),
        str(script) if script else None,
        settings if isinstance(settings, dict) else {},
    )


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
