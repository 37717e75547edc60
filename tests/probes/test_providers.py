"""Providers' APIs, with valid and invalid responses: facts, or the reason why there are none."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.http.rate_limits import retry_after_s
from runbook_checks.probes.logs import cloudflare_workers as workers
from runbook_checks.probes.logs.lines import entries_of
from runbook_checks.probes.providers.cloudflare import Cloudflare
from runbook_checks.probes.providers.groq import standing
from runbook_checks.probes.providers.slack import Identity, auth_test
from runbook_checks.probes.providers.status_pages import Incident, Page, read_page
from tests.hostile.services import always, answering, document
from tests.misbehaving.server import FakeServer, Handler, Visit
from tests.probes.conftest import taking

OK = {"success": True, "errors": [], "messages": []}
BUSY = {"success": False, "errors": [{"code": 971, "message": "Please wait"}], "result": None}


def in_turn(*answers: bytes) -> Handler:
    """One response after the other, the last one repeated."""
    left = list(answers)
    return answering(lambda _method, _path: left.pop(0) if len(left) > 1 else left[0])


def refusal(ask: Callable[[], Any]) -> NoReading:
    with pytest.raises(NoReading) as caught:
        ask()
    return caught.value


def cloudflare(server: FakeServer) -> Cloudflare:
    return Cloudflare(Http(server.url), "a" * 32)


# ------------------------------------------------------------------------------ 429
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (("Retry-After: 7",), 7.0),
        (("Retry-After: 0.5",), 0.5),
        (("Retry-After: Mon, 01 Jan 2001 00:00:00 GMT",), 0.0),
        ((), None),
        (("Retry-After: soon",), None),
        (("Retry-After: nan",), None),
        (("Retry-After: -5",), 0.0),
    ],
)
def test_retry_after(header: tuple[str, ...], seconds: float | None) -> None:
    with FakeServer(always(document(BUSY, *header, status="429 Too Many Requests"))) as server:
        assert retry_after_s(Http(server.url).get("/", even_limited=True)) == seconds


def test_wait_is_as_long_as_requested() -> None:
    busy = document(BUSY, "Retry-After: 0.3", status="429 Too Many Requests")
    metrics = document(OK | {"result": {"backlog_count": 3, "oldest_message_timestamp_ms": 0}})
    with FakeServer(in_turn(busy, busy, metrics)) as server, taking(1.0, 0.6):
        waiting = cloudflare(server).waiting("q")
    assert (waiting.count, waiting.oldest_age_s) == (3, None)


def test_wait_beyond_the_deadline_is_not_started() -> None:
    busy = document(BUSY, "Retry-After: 30", status="429 Too Many Requests")
    token = current.set(Deadline(5))
    try:
        with FakeServer(always(busy)) as server, taking(0.5):
            gone = refusal(lambda: cloudflare(server).waiting("q"))
    finally:
        current.reset(token)
    assert (gone.kind, gone.evidence, gone.attempts) == ("rate-limited", {"retry_after_s": 30.0}, 1)


def test_busy_api_is_called_three_times() -> None:
    busy = document(BUSY, "Retry-After: 0", status="429 Too Many Requests")
    with FakeServer(always(busy)) as server:
        gone = refusal(lambda: cloudflare(server).waiting("q"))
    assert (gone.kind, gone.attempts, server.visits) == ("rate-limited", 3, 3)


def test_default_wait_is_one_second() -> None:
    busy = document(BUSY, status="429 Too Many Requests")
    with FakeServer(in_turn(busy, document(OK | {"result": {"backlog_count": 1}}))) as server, taking(1.2, 1.0):
        assert cloudflare(server).waiting("q").count == 1
    assert server.visits == 2


@pytest.mark.parametrize(("within_s", "visits"), [(1.3, 2), (0.9, 1)])
def test_retry_needs_time_after_the_wait(within_s: float, visits: int) -> None:
    busy = document(BUSY, "Retry-After: 0.6", status="429 Too Many Requests")
    token = current.set(Deadline(within_s))
    try:
        with FakeServer(in_turn(busy, document(OK | {"result": {"backlog_count": 1}}))) as server:
            if visits == 1:
                assert refusal(lambda: cloudflare(server).waiting("q")).kind == "rate-limited"
            else:
                assert cloudflare(server).waiting("q").count == 1
            assert server.visits == visits
    finally:
        current.reset(token)


# -------------------------------------------------------------------------- Cloudflare
REFUSED = {
    "expired": (
        document({**BUSY, "errors": [{"code": 1000, "message": "Invalid API Token"}]}, status="401 No"),
        "unauthorized",
    ),
    "narrow": (
        document({**BUSY, "errors": [{"code": 10000, "message": "Authentication error"}]}, status="403 No"),
        "no-privilege",
    ),
    "not-there": (
        document({**BUSY, "errors": [{"code": 7003, "message": "Could not route"}]}, status="404 No"),
        "not-found",
    ),
    "without-errors": (document({"success": False}, status="400 Bad Request"), "wrong-status"),
    "failed-inside-200": (document({**BUSY}), "wrong-status"),
    "a-list": (document([]), "malformed-answer"),
    "a-page": (document("<html>"), "not-json"),
    "no-result": (document(OK), "malformed-answer"),
    "no-count": (document(OK | {"result": {"backlog_count": None}}), "malformed-answer"),
    "negative-count": (document(OK | {"result": {"backlog_count": -1}}), "malformed-answer"),
    "true-for-count": (document(OK | {"result": {"backlog_count": True}}), "malformed-answer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_count_is_no_reading(name: str) -> None:
    answer, kind = REFUSED[name]
    with FakeServer(always(answer)) as server:
        assert refusal(lambda: cloudflare(server).waiting("q")).kind == kind


def test_pages_without_end_are_not_followed() -> None:
    page = OK | {"result": [{"queue_id": "1", "queue_name": "other"}], "result_info": {"total_pages": 10**9}}
    with FakeServer(always(document(page))) as server:
        gone = refusal(lambda: cloudflare(server).queue("transcription-queue"))
    assert gone.kind == "incomplete"


def test_an_empty_account_has_no_queue() -> None:
    with FakeServer(always(document(OK | {"result": [], "result_info": {"total_pages": 0}}))) as server:
        assert cloudflare(server).queue("transcription-queue") == (None, 0)


def test_kind_of_refusal_by_status() -> None:
    kinds = [refusal_of(waiting_at(status)) for status in (401, 403, 404, 400, 500)]
    assert kinds == ["unauthorized", "no-privilege", "not-found", "wrong-status", "wrong-status"]
    kinds = [refusal_of(counting_at(status)) for status in (401, 403, 404, 500, 200)]
    assert kinds == ["unauthorized", "no-privilege", "not-found", "wrong-status", "wrong-status"]


def waiting_at(status: int) -> Callable[[Cloudflare], Any]:
    return lambda api: api.waiting(f"{status}")


def counting_at(status: int) -> Callable[[Cloudflare], Any]:
    return lambda api: api.operations(f"{status}", 0, 60)


def refusal_of(ask: Callable[[Cloudflare], Any]) -> str | None:
    """Return the kind for an API that refuses with the status in its queue's name."""

    def answer(visit: Visit) -> None:
        status = re.search(rb"queues/(\d+)|queueId\": \"(\d+)", visit.request())
        assert status
        code = (status[1] or status[2]).decode()
        visit.say(document({**BUSY, "data": None}, status=f"{code} No"))

    with FakeServer(answer) as server:
        return refusal(lambda: ask(cloudflare(server))).kind


@pytest.mark.parametrize(("pages", "asked"), [(1, 1), (3, 3), ("3", 1), (None, 1), (0, 1)])
def test_all_pages_are_read(pages: Any, asked: int) -> None:
    kept: list[bytes] = []
    page = OK | {"result": [{"queue_name": "other"}, "junk"], "result_info": {"total_pages": pages}}
    with FakeServer(always(document(page), kept)) as server:
        assert cloudflare(server).queue("jobs") == (None, asked)
    assert [seen.partition(b"?page=")[2].split(b" ")[0] for seen in kept] == [
        b"%d&per_page=100" % number for number in range(1, asked + 1)
    ]


@pytest.mark.parametrize(
    ("settings", "is_paused"),
    [({"delivery_paused": True}, True), ({"delivery_paused": "true"}, False), ({}, False), (None, False)],
)
def test_queue_with_its_consumers(settings: Any, is_paused: bool) -> None:
    consumers = [{"script": "w", "settings": {"batch_size": 5}}, {"type": "http_pull", "settings": None}, "junk"]
    consumers += [{"script_name": "n"}, {"service": "s"}]

    def answer(_method: str, path: str) -> bytes:
        if path.endswith("/consumers"):
            return document(OK | {"result": consumers})
        if "?page=" in path:
            return document(OK | {"result": [{"queue_id": "7", "queue_name": "jobs"}], "result_info": None})
        return document(OK | {"result": {"queue_name": "jobs", "settings": settings}})

    with FakeServer(answering(answer)) as server:
        found, seen = cloudflare(server).queue("jobs")
    assert found is not None
    assert (found.id, found.name, found.is_paused, seen) == ("7", "jobs", is_paused, 1)
    assert [(c.kind, c.script, c.settings) for c in found.consumers] == [
        *(
            ("worker", "w", {"batch_size": 5}),
            ("http_pull", None, {}),
            ("worker", None, {}),
            ("worker", "n", {}),
            ("worker", "s", {}),
        )
    ]


@pytest.mark.parametrize(
    ("count", "oldest_s", "reported"), [(3, 60, (3, 60)), (2.6, 0, (3, None)), (0, None, (0, None))]
)
def test_waiting_messages_and_their_age(count: float, oldest_s: float | None, reported: Any) -> None:
    oldest = oldest_s and (time.time() - oldest_s) * 1000
    with FakeServer(
        always(document(OK | {"result": {"backlog_count": count, "oldest_message_timestamp_ms": oldest}}))
    ) as s:
        found = cloudflare(s).waiting("q")
    assert (found.count, found.oldest_age_s and round(found.oldest_age_s / 10) * 10) == reported


BACKLOG = {
    "text": ([{"avg": {"messages": "7"}, "dimensions": {"datetimeMinute": "a"}}], None),
    "no-minute": ([{"avg": {"messages": 7}, "dimensions": {}}], None),
    "no-average": ([{"avg": None, "dimensions": {"datetimeMinute": "a"}}], None),
    "no-dimensions": ([{"avg": {"messages": 7}, "dimensions": None}], None),
    "two": (
        [
            {"avg": {"messages": 7.5}, "dimensions": {"datetimeMinute": "b"}},
            {"avg": {"messages": 3}, "dimensions": {"datetimeMinute": "a"}},
            "junk",
        ],
        [("a", 3.0), ("b", 7.5)],
    ),
}


def test_backlog_by_minute() -> None:
    for rows, reported in BACKLOG.values():
        with FakeServer(always(groups(rows))) as server:
            if reported is None:
                ask = cloudflare(server).backlog
                assert refusal(lambda: ask("q", 0, 60)).kind == "malformed-answer"  # noqa: B023
            else:
                assert cloudflare(server).backlog("q", 0, 60) == reported


def groups(rows: Any) -> bytes:
    return document({"data": {"viewer": {"accounts": [{"rows": rows}]}}, "errors": None})


GRAPHQL = {
    "error": (document({"data": None, "errors": [{"message": "unknown field", "extensions": {}}]}), "graphql-error"),
    "authz": (document({"data": None, "errors": [{"message": "no", "extensions": {"code": "authz"}}]}), "no-privilege"),
    "odd-errors": (document({"data": None, "errors": "broken"}), "graphql-error"),
    "no-account": (document({"data": {"viewer": {"accounts": []}}, "errors": None}), "not-found"),
    "no-viewer": (document({"data": None, "errors": None}), "malformed-answer"),
    "no-rows": (groups(None), "malformed-answer"),
    "no-count": (groups([{"dimensions": {"actionType": "ReadMessage"}}]), "malformed-answer"),
    "no-dimensions": (groups([{"count": 7, "dimensions": None}]), "malformed-answer"),
    "true-for-count": (groups([{"count": True, "dimensions": {}}]), "malformed-answer"),
    "text-for-count": (groups([{"count": "7", "dimensions": {}}]), "malformed-answer"),
}


def test_errors_are_refusals_with_any_content() -> None:
    refusals: list[Any] = [None, [], ["text"], "text", [{}], [{"code": 7}]]
    for errors in refusals:
        for status in ("400 No", "200 OK"):
            with FakeServer(always(document({"success": False, "errors": errors}, status=status))) as server:
                api = cloudflare(server)
                reported = {refusal(lambda: api.waiting("q")).kind, refusal(lambda: api.operations("q", 0, 60)).kind}  # noqa: B023
            assert reported == {"wrong-status"}
    others: list[Any] = [["text"], "text", [{}], [{"extensions": "authz"}], [{"extensions": {"code": "other"}}]]
    for said in others:
        with FakeServer(always(document({"data": None, "errors": said}))) as server:
            assert refusal(lambda: cloudflare(server).operations("q", 0, 60)).kind == "graphql-error"


def test_unexpected_result_is_malformed() -> None:
    results: list[Any] = [[], "text", 7, None]
    for result in results:
        with FakeServer(always(document(OK | {"result": result}))) as server:
            assert refusal(lambda: cloudflare(server).waiting("q")).kind == "malformed-answer"
    viewers: list[Any] = [{"viewer": None}, {"viewer": {"accounts": None}}, {"viewer": {}}, []]
    for viewer in viewers:
        with FakeServer(always(document({"data": viewer}))) as server:
            assert refusal(lambda: cloudflare(server).backlog("q", 0, 60)).kind == "malformed-answer"
    with FakeServer(always(document({"data": {"viewer": {"accounts": ["text"]}}}))) as server:
        assert refusal(lambda: cloudflare(server).backlog("q", 0, 60)).kind == "not-found"


@pytest.mark.parametrize("name", GRAPHQL)
def test_errors_in_a_200_are_not_zeros(name: str) -> None:
    answer, kind = GRAPHQL[name]
    with FakeServer(always(answer)) as server:
        assert refusal(lambda: cloudflare(server).operations("q", 0, 60)).kind == kind


def test_operations_are_summed_by_action_and_outcome() -> None:
    rows = [
        {"count": 4, "dimensions": {"actionType": "DeleteMessage", "outcome": "success"}},
        {"count": 3, "dimensions": {"actionType": "DeleteMessage", "outcome": "success"}},
        {"count": 2, "dimensions": {"actionType": "WriteMessage", "outcome": None}},
    ]
    with FakeServer(always(groups(rows))) as server:
        counted = cloudflare(server).operations("q", 0, 60)
    assert counted == {("DeleteMessage", "success"): 7, ("WriteMessage", ""): 2}


# ------------------------------------------------------------------------ Groq and Slack
def test_groqs_quotas_are_read_from_headers() -> None:
    headers = [
        "x-ratelimit-limit-requests: 14400",
        "x-ratelimit-remaining-requests: 1440",
        "x-ratelimit-reset-requests: 2m59.56s",
        "x-ratelimit-limit-tokens: many",
        "x-ratelimit-remaining-tokens: 5",
    ]
    with FakeServer(always(document({"object": "list", "data": []}, *headers))) as server:
        found = standing(Http(server.url), "/models")
    assert [(q.what, q.left, q.left_percent, q.resets_in) for q in found.quotas] == [
        ("requests", 1440, 10.0, "2m59.56s")
    ]


def test_groqs_429_is_a_response() -> None:
    error = {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}
    with FakeServer(always(document(error, "Retry-After: 9", status="429 Too Many Requests"))) as server:
        found = standing(Http(server.url), "/models")
    assert (found.status, found.error, found.retry_after_s) == (429, "Rate limit reached", 9.0)


def test_groqs_error_message() -> None:
    said: list[tuple[str, Any, str]] = [
        ("200 OK", {"error": {"message": "not told"}}, ""),
        ("401 No", {"error": {"message": "Invalid API Key"}}, "Invalid API Key"),
        ("500 No", {"error": "overloaded"}, "overloaded"),
        ("500 No", {"error": {"code": "x"}}, ""),
        ("404 No", {}, ""),
    ]
    for status, answer, reported in said:
        with FakeServer(always(document(answer, status=status))) as server:
            found = standing(Http(server.url), "/models")
        assert (found.error, f"{found.status}") == (reported, status.partition(" ")[0])
    for status in ("200 OK", "503 No"):
        with FakeServer(always(document("<html>", status=status))) as server:
            assert refusal(lambda: standing(Http(server.url), "/models")).kind == "not-json"


@pytest.mark.parametrize(
    ("limit", "left", "reported"),
    [
        ("100", "50", [50.0]),
        ("0", "50", []),
        ("", "50", []),
        ("100", "", []),
        ("100", "-1", []),
        ("1" * 15, "0", [0.0]),
        ("1" * 16, "0", []),
    ],
)
def test_quota_needs_both_figures(limit: str, left: str, reported: list[float]) -> None:
    headers = [f"x-ratelimit-limit-tokens: {limit}", f"x-ratelimit-remaining-tokens: {left}"]
    with FakeServer(always(document({}, *headers))) as server:
        found = standing(Http(server.url), "/models").quotas
    assert [quota.left_percent for quota in found] == reported
    assert all((quota.what, quota.resets_in) == ("tokens", "unknown") for quota in found)


@pytest.mark.parametrize("answer", [{"ok": "true"}, {}, {"error": "invalid_auth"}])
def test_slack_response_without_ok_is_no_reading(answer: dict[str, Any]) -> None:
    with FakeServer(always(document(answer))) as server:
        assert refusal(lambda: auth_test(Http(server.url))).kind == "malformed-answer"


def test_slack_response_with_another_status_is_no_reading() -> None:
    with FakeServer(always(document({"ok": True}, status="500 Internal Server Error"))) as server:
        assert refusal(lambda: auth_test(Http(server.url))).kind == "wrong-status"


def test_identity_of_a_slack_token() -> None:
    with FakeServer(always(document({"ok": True, "team": "T", "user": "U", "error": "odd"}))) as server:
        assert auth_test(Http(server.url)) == Identity(None, "T", "U")
    with FakeServer(always(document({"ok": False}))) as server:
        assert auth_test(Http(server.url)).error == "no_error_told"


def test_slacks_error_in_a_200() -> None:
    with FakeServer(always(document({"ok": False, "error": "token_revoked"}))) as server:
        assert auth_test(Http(server.url)).error == "token_revoked"


# --------------------------------------------------------------------------- status pages
def reported_incidents(kind: str, page: Any) -> list[tuple[str, bool]]:
    with FakeServer(always(document(page))) as server:
        return [(incident.title, incident.is_outage) for incident in read_page(Http(server.url), kind).incidents]


def statuspage(*, state: str = "operational", impacts: tuple[str, ...] = (), group: bool = False) -> dict[str, Any]:
    component = {"name": "R2", "status": state, "group": group}
    named = [{"name": f"trouble {impact}", "impact": impact, "components": [component]} for impact in impacts]
    return {"page": {"url": "https://x.test"}, "components": [component], "incidents": named, "status": {}}


def test_statuspage() -> None:
    assert reported_incidents("statuspage", statuspage()) == []
    assert reported_incidents("statuspage", statuspage(impacts=("minor", "critical", "none"))) == [
        ("trouble minor", False),
        ("trouble critical", True),
    ]
    assert reported_incidents("statuspage", statuspage(state="major_outage")) == [("R2 is in major outage", True)]
    assert reported_incidents("statuspage", statuspage(state="under_maintenance")) == []
    assert reported_incidents("statuspage", statuspage(state="partial_outage", impacts=("minor",))) == [
        ("trouble minor", False)
    ]
    assert reported_incidents("statuspage", statuspage(state="major_outage", group=True)) == [], (
        "a group repeats its members"
    )


def test_google_keeps_past_incidents() -> None:
    entry = {"external_desc": "errors", "begin": "2026-01-15T08:00:00Z", "status_impact": "SERVICE_OUTAGE"}
    notice = entry | {"status_impact": "SERVICE_INFORMATION"}
    assert reported_incidents("google", [entry | {"end": "2026-01-15T09:00:00Z"}, notice]) == []
    assert reported_incidents("google", [entry]) == [("errors", True)]


def test_slacks_page() -> None:
    entry = {"title": "late", "type": "incident", "date_created": "x", "url": "y", "services": ["Files"]}
    assert reported_incidents("slack", {"status": "ok", "active_incidents": []}) == []
    page = {"status": "active", "active_incidents": [entry, entry | {"type": "maintenance"}]}
    assert reported_incidents("slack", page) == [("late", False)]


@pytest.mark.parametrize("kind", ["statuspage", "slack", "google"])
@pytest.mark.parametrize("page", [{}, [], [7], {"status": "ok"}, {"incidents": [], "components": [{"name": "x"}]}])
def test_unknown_format_is_not_clear(kind: str, page: Any) -> None:
    if kind == "google" and page == []:
        assert reported_incidents(kind, page) == [], "an archive may be empty"
        return
    with FakeServer(always(document(page))) as server:
        assert refusal(lambda: read_page(Http(server.url), kind)).kind == "malformed-answer"


def seen(kind: str, page: Any) -> list[Incident]:
    with FakeServer(always(document(page))) as server:
        return read_page(Http(server.url), kind).incidents


def test_page_with_another_status_is_no_reading() -> None:
    with FakeServer(always(document(statuspage(), status="404 Not Found"))) as server:
        assert refusal(lambda: read_page(Http(server.url), "statuspage")).kind == "wrong-status"


def test_statuspage_has_components_beginning_and_link() -> None:
    entry = {"name": "late", "impact": "major", "started_at": "2026-01-15", "shortlink": "https://x.test/1"}
    touched = [{"name": "R2"}, "odd", {"name": "KV"}]
    plain = {"name": "plain", "impact": "maintenance", "components": [{"name": "Pages"}]}
    states = [("R2", "partial_outage"), ("Pages", "degraded_performance"), ("DNS", "major_outage")]
    parts = [{"name": name, "status": state, "updated_at": "2026-01-14"} for name, state in states]
    page = statuspage() | {"incidents": [entry | {"components": touched}, plain, entry], "components": parts}
    assert seen("statuspage", page) == [
        Incident("late", True, ("R2", "KV"), "2026-01-15", "https://x.test/1"),
        Incident("late", True, (), "2026-01-15", "https://x.test/1"),
        Incident("Pages is in degraded performance", False, ("Pages",), "2026-01-14", "https://x.test"),
        Incident("DNS is in major outage", True, ("DNS",), "2026-01-14", "https://x.test"),
    ]


def test_slacks_page_has_services_and_outages() -> None:
    entry = {"title": "late", "type": "outage", "date_created": "x", "url": "y", "services": ["Files", "Calls"]}
    page = {"status": "active", "active_incidents": [entry, entry | {"type": "notice"}, entry | {"services": None}]}
    assert seen("slack", page) == [
        Incident("late", True, ("Files", "Calls"), "x", "y"),
        Incident("late", True, (), "x", "y"),
    ]
    assert refusal(lambda: seen("slack", page | {"status": "gone"})).kind == "malformed-answer"


def test_googles_page_has_products_and_disruptions() -> None:
    entry = {"external_desc": "late", "begin": "x", "uri": "incidents/1", "status_impact": "SERVICE_DISRUPTION"}
    found = seen("google", [entry | {"affected_products": [{"title": "Gemini"}]}, entry])
    link = "https://status.cloud.google.com/incidents/1"
    assert found == [Incident("late", False, ("Gemini",), "x", link), Incident("late", False, (), "x", link)]
    assert refusal(lambda: seen("google", {})).kind == "malformed-answer", "no list, although nothing is active"


def paged(page: Any) -> Page:
    with FakeServer(always(document(page))) as server:
        return read_page(Http(server.url), "statuspage")


def test_only_relevant_incidents_are_reported() -> None:
    page = paged(statuspage(impacts=("major",)))
    assert page.affecting(["r2"]) == page.affecting([]) == page.incidents
    assert page.affecting(["Workers"]) == page.unattributed() == []
    assert (page.missing(["r2"]), page.missing(["R2", "Workers"])) == ([], ["Workers"])


def test_group_affects_through_its_members() -> None:
    parts = [
        {"name": "Europe", "id": "1", "status": "operational", "group": True},
        {"name": "Frankfurt", "id": "2", "status": "major_outage", "group_id": "1"},
        {"name": "Tokyo", "id": "3", "status": "operational", "group_id": None},
    ]
    page = paged(statuspage() | {"components": parts})
    assert [one.title for one in page.affecting(["europe"])] == ["Frankfurt is in major outage"]
    assert page.affecting(["Tokyo"]) == []


def test_components_of_updates_count_where_the_incident_has_none() -> None:
    parts = [{"name": name, "id": name[0], "status": "operational"} for name in ("R2", "Workers", "Pages")]
    updates = [
        {"affected_components": [{"code": "W", "name": "Cloudflare - Workers"}]},
        {"affected_components": [{"code": "?", "name": "Sites - Pages"}, {"code": "W", "name": "Workers"}]},
        {"affected_components": None},
    ]
    entry = {"name": "late", "impact": "minor", "components": [], "incident_updates": updates}
    page = paged(statuspage() | {"components": parts, "incidents": [entry]})
    assert [one.components for one in page.incidents] == [("Workers", "Pages")]
    assert (page.affecting(["R2"]), page.unattributed()) == ([], [])


@pytest.mark.parametrize("status", ["resolved", "postmortem", "completed"])
def test_incident_that_ended_is_not_reported(status: str) -> None:
    entry = {"name": "late", "impact": "critical", "status": status}
    assert paged(statuspage() | {"incidents": [entry]}).incidents == []
    assert len(paged(statuspage() | {"incidents": [entry | {"status": "monitoring"}]}).incidents) == 1


# ----------------------------------------------------------------------- Workers' logs
def invocation(**more: Any) -> str:
    event = {
        "scriptName": "queue-worker",
        "outcome": "ok",
        "eventTimestamp": 1_700_000_000_000,
        "exceptions": [],
        "logs": [],
    }
    return json.dumps(event | more)


def logs(*messages: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"level": level, "message": [said], "timestamp": 1_700_000_000_500} for level, said in messages]


def test_invocation_of_a_worker_has_all_its_lines() -> None:
    failure = json.dumps({"level": "ERROR", "code": "GROQ_API_ERROR", "message": "429"})
    line = invocation(logs=logs(("log", "Processing completed"), ("log", failure), ("warn", {"message": "slow"})))
    assert [(e.level, e.message, e.time) for e in entries_of(line)] == [
        ("INFO", "queue-worker Processing completed", 1_700_000_000.5),
        ("ERROR", "queue-worker GROQ_API_ERROR: 429", 1_700_000_000.5),
        ("WARN", "queue-worker slow", 1_700_000_000.5),
    ]


def test_failed_invocation_is_an_error() -> None:
    assert [e.level for e in entries_of(invocation(outcome="exceededCpu"))] == ["ERROR"]
    thrown = invocation(outcome="exception", exceptions=[{"name": "TypeError", "message": "x is undefined"}])
    assert [(e.level, e.message) for e in entries_of(thrown)] == [("ERROR", "queue-worker TypeError: x is undefined")]
    assert [(e.level, e.message) for e in entries_of(invocation())] == [("INFO", "queue-worker ended with ok")]


@pytest.mark.parametrize("stamp", [True, -1, 1e15, float("nan"), "7", None])
def test_invocation_without_a_time_is_ignored(stamp: Any) -> None:
    assert workers.logged(invocation(eventTimestamp=stamp)) == []


def test_lines_without_a_time_have_that_of_the_invocation() -> None:
    odd = [{"level": "warn", "message": ["a"], "timestamp": True}, {"level": "info", "message": "b"}, "odd", 7]
    thrown = [{"message": "x"}, "odd"]
    found = workers.logged(invocation(eventTimestamp=0, logs=odd, exceptions=thrown, outcome="exception"))
    assert [(one.time, one.level, one.message) for one in found] == [
        (0, "WARN", "queue-worker a"),
        (0, "INFO", "queue-worker b"),
        (0, "ERROR", "queue-worker Error: x"),
    ]
    assert [one.time for one in workers.logged(invocation(eventTimestamp=2500))] == [2.5]
    assert [one.time for one in workers.logged(invocation(eventTimestamp=2500, exceptions=[{}]))] == [2.5]


def test_invocation_without_lines_has_its_outcome() -> None:
    wrote = logs(("log", "a"))
    assert [one.level for one in workers.logged(invocation(logs=wrote, outcome="exceededCpu"))] == ["INFO", "ERROR"]
    assert [one.level for one in workers.logged(invocation(logs=wrote))] == ["INFO"]
    thrown = [{"name": "E", "message": "x"}]
    assert len(workers.logged(invocation(logs=wrote, outcome="exception", exceptions=thrown))) == 2


@pytest.mark.parametrize(
    ("message", "said", "level"),
    [
        (["a", {"b": 1}, 7], 'a {"b": 1} 7', "LOG"),
        ("a", "a", "LOG"),
        ([{"n": 1}], '{"n": 1}', "LOG"),
        (['{"msg": "a", "level": "fatal"}'], "a", "FATAL"),
        (['{"msg": "a", "level": "fatal"}', "b"], '{"msg": "a", "level": "fatal"} b', "LOG"),
        (['{"broken"'], '{"broken"', "LOG"),
        (["[1]"], "[1]", "LOG"),
    ],
)
def test_message_of_a_console_call(message: Any, said: str, level: str) -> None:
    [found] = workers.logged(invocation(logs=[{"level": "log", "message": message}]))
    assert (found.message, found.level.replace("INFO", "LOG")) == (f"queue-worker {said}", level)


def test_only_lines_of_workers_are_invocations() -> None:
    assert workers.is_invocation(invocation())
    assert not workers.is_invocation(" " + invocation())
    assert not workers.is_invocation('{"level": "info"}')


def test_logpush_writes_the_same_in_capitals() -> None:
    line = json.dumps(
        {
            "ScriptName": "queue-worker",
            "Outcome": "ok",
            "EventTimestampMs": 1_700_000_000_000,
            "Exceptions": [],
            "Logs": [{"Level": "error", "Message": ["DATABASE_ERROR gone"], "TimestampMs": 1_700_000_000_000}],
        }
    )
    assert [(e.level, e.message) for e in entries_of(line)] == [("ERROR", "queue-worker DATABASE_ERROR gone")]


@pytest.mark.parametrize(
    "line", ['{"scriptName"', '{"scriptName": "x"}', '["scriptName"]', '{"scriptName": 7, "logs": 7}']
)
def test_other_lines_are_no_entries(line: str) -> None:
    assert entries_of(line) == []
