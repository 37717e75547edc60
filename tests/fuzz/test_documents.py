"""Whatever JSON an API returns, a probe returns a reading or a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_checks.probes.backups.inventory import Branches
from runbook_checks.probes.backups.inventory import OneBackup as ToldBackup
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.logs.loki import Loki
from runbook_checks.probes.metrics.prometheus import Prometheus
from runbook_checks.probes.providers.cloudflare import Cloudflare
from runbook_checks.probes.providers.groq import standing
from runbook_checks.probes.providers.oci_registry import digest
from runbook_checks.probes.providers.slack import auth_test
from runbook_checks.probes.providers.status_pages import read_page
from tests.fuzz.canned import JSON, CannedHttp
from tests.fuzz.fuzz import bounded, fuzzed, holding, mangled, twisted_twice, twists, written

VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [
    {"metric": {"job": "api", "le": "0.5"}, "value": [1700000000.5, "42.5"]}]}}  # fmt: skip
MATRIX = {"status": "success", "warnings": [], "data": {"resultType": "matrix", "result": [
    {"metric": {"a": "b"}, "values": [[1, "1"], [2, "3"]]}]}}  # fmt: skip
SCALAR = {"status": "success", "data": {"resultType": "scalar", "result": [1700000000, "7"]}}
STREAMS = {"status": "success", "data": {"resultType": "streams", "result": [
    {"stream": {"service": "api", "level": "error"}, "values": [
        ["1700000000000000000", "{\"level\":\"error\",\"msg\":\"no\"}"],
        ["1700000000000000001", "plain", {"structuredMetadata": {"level": "warn"}}]]}]}}  # fmt: skip
QUEUES = {"success": True, "errors": [], "result": [{"queue_id": "q1", "queue_name": "queue"}],
          "result_info": {"total_pages": 1}}  # fmt: skip
QUEUE = {"success": True, "result": {"queue_name": "queue", "settings": {"delivery_paused": False}}}
CONSUMERS = {"success": True, "result": [{"type": "worker", "script": "s", "settings": {"batch_size": 10}}]}
METRICS = {"success": True, "result": {"backlog_count": 3, "oldest_message_timestamp_ms": 1700000000000}}
GROUPS = {"data": {"viewer": {"accounts": [{"rows": [
    {"count": 3, "avg": {"messages": 2.5},
     "dimensions": {"actionType": "DeleteMessage", "outcome": "success", "datetimeMinute": "2026-01-01T00:00:00Z"}}
]}]}}, "errors": None}  # fmt: skip
GRAPHQL_ERROR = {"data": None, "errors": [{"message": "not authorized", "extensions": {"code": "authz"}}]}
STATUSPAGE = {"page": {"url": "https://s.example.com"},
    "incidents": [{"name": "i", "impact": "major", "started_at": "2026", "shortlink": "https://s", "components": [
        {"name": "API"}]}],
    "components": [{"name": "API", "status": "major_outage", "group": False, "updated_at": "2026"}]}  # fmt: skip
SLACK_STATUS = {"status": "active", "active_incidents": [
    {"title": "t", "type": "outage", "services": ["Messaging"], "date_created": "2026", "url": "u"}]}  # fmt: skip
GOOGLE = [{"status_impact": "SERVICE_OUTAGE", "external_desc": "d", "begin": "2026", "end": None, "uri": "i/1",
           "affected_products": [{"title": "Storage"}]}]  # fmt: skip
IDENTITY = {"ok": True, "team": "t", "user": "u", "error": None}
BRANCHES = {"branches": [{"name": "backup-20260101", "created_at": "2026-01-01T00:00:00Z", "current_state": "ready"}],
            "pagination": {"next": None}}  # fmt: skip
MANIFEST = {"schemaVersion": 2, "errors": [{"code": "MANIFEST_UNKNOWN"}]}


def _cloudflare(ask: Callable[[Cloudflare], Any]) -> Callable[[Http], Any]:
    return lambda http: ask(Cloudflare(http, "account"))


def _registry(http: Http) -> Any:
    return digest(lambda _url, _headers: http, "https://r.example.com", "app", "previous", {})


# By name: the reader, and a valid document.
READERS: dict[str, tuple[Callable[[Http], Any], Any]] = {
    "prometheus-vector": (lambda http: Prometheus(http).instant("up", 1.0), VECTOR),
    "prometheus-matrix": (lambda http: Prometheus(http).over("up", 1.0, 2.0, 1.0), MATRIX),
    "prometheus-scalar": (lambda http: Prometheus(http).instant("1", 1.0), SCALAR),
    "loki": (lambda http: Loki(http).read(["{a}"], "", since=1.0, until=2.0, alive_s=1.0), STREAMS),
    "cloudflare-queues": (_cloudflare(lambda c: c.queue("queue")), QUEUES),
    "cloudflare-queue": (_cloudflare(lambda c: c._queue("q1")), QUEUE),
    "cloudflare-consumers": (_cloudflare(lambda c: c._queue("q1")), CONSUMERS),
    "cloudflare-metrics": (_cloudflare(lambda c: c.waiting("q1")), METRICS),
    "cloudflare-operations": (_cloudflare(lambda c: c.operations("q1", 1.0, 2.0)), GROUPS),
    "cloudflare-backlog": (_cloudflare(lambda c: c.backlog("q1", 1.0, 2.0)), GROUPS),
    "cloudflare-error": (_cloudflare(lambda c: c.backlog("q1", 1.0, 2.0)), GRAPHQL_ERROR),
    "statuspage": (lambda http: read_page(http, "statuspage"), STATUSPAGE),
    "status-slack": (lambda http: read_page(http, "slack"), SLACK_STATUS),
    "status-google": (lambda http: read_page(http, "google"), GOOGLE),
    "slack": (auth_test, IDENTITY),
    "groq": (lambda http: standing(http, "/models"), {"error": {"message": "no"}}),
    "neon": (lambda http: Branches(http, "project", "backup-*").newest_first(), BRANCHES),
    "registry": (_registry, MANIFEST),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("status", [200, 404])
def test_every_single_modification(name: str, status: int) -> None:
    read, right = READERS[name]
    with bounded():
        for body in twists(right):
            with holding(body):
                read(cast("Http", CannedHttp(body, status)))


@pytest.mark.parametrize("name", READERS)
def test_two_modifications_and_broken_text(name: str) -> None:
    read, right = READERS[name]

    @fuzzed(250)
    @given(st.one_of(twisted_twice(right), mangled(written(right))), st.sampled_from((200, 200, 400, 401, 503)))
    def fuzz(body: bytes, status: int) -> None:
        with holding(body):
            read(cast("Http", CannedHttp(body, status)))

    with bounded():
        fuzz()


def test_backup_from_an_address() -> None:
    right = {"id": "b1", "created_at": "2026-01-01T00:00:00Z"}
    for body in twists(right):
        with holding(body):
            document = CannedHttp(body).get("/").json()
            if isinstance(document, dict) and "id" in document:
                ToldBackup("workspace", "the API", document).newest_first()


HEADERS = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=80) | st.sampled_from(
    ("9" * 5000, "-1", "1e999", "NaN", "inf", "Thu, 01 Jan 0000 00:00:00 GMT", "Fri, 31 Dec 99999 23:59:59 GMT",
     "Mon, 04 May 2026 13:44:39 +99999999999999", 'Bearer realm="http://[::1/t",service="x"',
     'Bearer realm="https://a.example.com:port/t"', 'Bearer realm="https://a\x00b/t"', 'Bearer realm="https://r.example.com/t"')
)  # fmt: skip


@fuzzed(400)
@given(HEADERS, st.sampled_from((200, 401, 429)))
def test_arbitrary_headers(value: str, status: int) -> None:
    names = ("retry-after", "www-authenticate", "docker-content-digest", "x-ratelimit-remaining-requests",
             "x-ratelimit-limit-requests", "x-ratelimit-reset-requests", "x-ratelimit-remaining-tokens")  # fmt: skip
    http = cast("Http", CannedHttp(written(MANIFEST | {"token": value}), status, JSON | dict.fromkeys(names, value)))
    with holding((value, status)):
        standing(http, "/models")
    with holding((value, status)):
        _registry(http)
