"""Handles for sources: logs, Cloudflare, Prometheus, the stages of a visit, Slack."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from runbook_checks.handles.log import Log
from runbook_checks.handles.metrics import Metrics, growth
from runbook_checks.handles.queue import Queue
from runbook_checks.handles.sites import Sites
from runbook_checks.handles.slack import SlackBot
from runbook_checks.probes.core.reading import NoReading
from tests.hostile.services import always, answering, document
from tests.misbehaving.http import resets_at_once
from tests.misbehaving.prometheus import vector
from tests.misbehaving.server import FakeServer, Handler, Visit, refusing_port
from tests.misbehaving.tls import resets, serving
from tests.probes import pki
from tests.probes.handles import handle
from tests.probes.insights import insights

NOW = float(int(time.time()))
OK = {"success": True, "errors": [], "messages": []}


def refusal(ask: Any) -> NoReading:
    with pytest.raises(NoReading) as caught:
        ask()
    return caught.value


# ------------------------------------------------------------------------------ sources of a log
def line(at: float, said: str) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))} ERROR {said}"


def streams(*lines: tuple[float, str]) -> bytes:
    values = [[str(int(at) * 10**9), said] for at, said in lines]
    found = [{"stream": {"service": "api"}, "values": values}] if values else []
    return document({"status": "success", "data": {"resultType": "streams", "result": found}})


def asked_of_loki(kept: list[bytes]) -> list[tuple[str, float, float]]:
    """Return query, and the begin and end of each window in seconds before the run's begin."""
    found = [parse_qs(urlsplit(seen.split(b" ")[1].decode()).query) for seen in kept]
    return [
        (one["query"][0], round(NOW - int(one["start"][0]) / 1e9), round(NOW - int(one["end"][0]) / 1e9))
        for one in found
    ]


LOKI = {"selectors": ['{service="api"}'], "filter": '|~ "x"'}


@pytest.mark.parametrize(("quiet_is_fine", "alive_s"), [(False, 1200), (True, 86400)])
def test_loki_is_queried_for_both_windows(tmp_path: Path, quiet_is_fine: bool, alive_s: int) -> None:
    kept: list[bytes] = []
    with FakeServer(always(streams((NOW - 60, "ERROR broken")), kept)) as server:
        given = {"loki": LOKI | {"url": server.url}, "window_min": 10, "quiet_is_fine": quiet_is_fine}
        with handle(Log, tmp_path, NOW, logs=given) as log:
            assert log.windows() == (NOW - 1200, NOW - 600, NOW)
            assert [(entry.level, entry.message) for entry in log.read().entries] == [("ERROR", "broken")]
            assert (log.source, log.place) == ("loki", 'Loki {service="api"}')
            assert refusal(lambda: log.file).kind == "no-source"
    assert asked_of_loki(kept) == [(LOKI["selectors"][0], alive_s, 0), ('{service="api"} |~ "x"', 1200, 0)]


def test_a_long_window_is_longer_than_a_day(tmp_path: Path) -> None:
    kept: list[bytes] = []
    with FakeServer(always(streams((NOW - 60, "x")), kept)) as server:
        given = {"loki": LOKI | {"url": server.url}, "window_min": 1440, "quiet_is_fine": True}
        with handle(Log, tmp_path, NOW, logs=given) as log:
            log.read()
    assert asked_of_loki(kept)[0][1] == 2 * 86400


def test_loki_query_has_the_tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKI_SECRET", "a-secret-of-the-test")
    secret = {"env": "LOKI_SECRET"}
    basic = base64.b64encode(b"us:a-secret-of-the-test").decode()
    ways: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        ({"tenant": "ours"}, ["x-scope-orgid: ours"]),
        ({"token": secret}, ["authorization: Bearer a-secret-of-the-test"]),
        ({"login": {"user": "us", "password": secret}}, [f"authorization: Basic {basic}"]),
    ]
    for more, wanted in ways:
        kept: list[bytes] = []
        with (
            FakeServer(always(streams((NOW - 60, "x")), kept)) as server,
            handle(Log, tmp_path, NOW, logs={"loki": LOKI | {"url": server.url} | more}) as log,
        ):
            log.read()
        heads = [(name.lower(), rest) for name, _, rest in (h.partition(": ") for h in kept[0].decode().split("\r\n"))]
        assert [f"{n}: {rest}" for n, rest in heads if n in ("x-scope-orgid", "authorization")] == wanted


def test_loki_is_not_queried_without_a_stream(tmp_path: Path) -> None:
    with FakeServer(always(streams())) as server:
        with handle(Log, tmp_path, NOW, logs={"loki": {"url": server.url}}) as log:
            assert refusal(log.read).kind == "no-source"
        assert server.visits == 0


def test_configured_file_is_read_despite_other_sources_in_the_runbook(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text(f"{line(NOW - 900, 'old')}\n{line(NOW - 60, 'new')}\n")
    with handle(Log, tmp_path, NOW, logs={"file": "app.log", "loki": LOKI}) as log:
        assert [entry.message for entry in log.read().entries] == ["old", "new"]
        assert (log.source, log.place) == ("file", str(tmp_path / "app.log"))


def test_configured_command_is_run(tmp_path: Path) -> None:
    words = ["echo", line(NOW - 60, "since={since}")]
    with handle(Log, tmp_path, NOW, logs={"command": words, "loki": LOKI, "window_min": 10}) as log:
        assert [entry.message for entry in log.read().entries] == [f"since={NOW - 1200:.0f}"]
        assert log.place == "the output of echo"


def test_configured_cloudwatch_is_queried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PART", "a-secret-of-the-test")
    asked: list[dict[str, Any]] = []
    with FakeServer(insights([("/aws/api", NOW - 60, "ERROR broken")], asked)) as server:
        keys = {"access_key_id": {"env": "AWS_PART"}, "secret_access_key": {"env": "AWS_PART"}}
        given = {"region": "eu-west-1", "groups": ["/aws/api"], "endpoint": server.url, **keys}
        with handle(Log, tmp_path, NOW, logs={"cloudwatch": given, "loki": LOKI, "window_min": 10}) as log:
            assert [(entry.level, entry.message) for entry in log.read().entries] == [("ERROR", "broken")]
            assert log.place == "CloudWatch Logs /aws/api"
    spans = [(NOW - one["startTime"], NOW - one["endTime"]) for one in asked]
    assert spans == [(1200, 0), (1200, 0)]


def test_requests_are_those_of_the_window(tmp_path: Path) -> None:
    def row(ago_s: float, url: str) -> str:
        return json.dumps({"time": NOW - ago_s, "level": "info", "url": url, "method": "GET", "responseTime": 7000})

    (tmp_path / "app.log").write_text(f"{row(700, '/before')}\n{row(60, '/within')}\n")
    with handle(Log, tmp_path, NOW, logs={"file": "app.log", "window_min": 10, "slow": {}}) as log:
        read = log.requests(log.settings.slow)  # type: ignore[arg-type]
    assert [request.what for request in read.found] == ["GET /within"]


# ----------------------------------------------------------------------------------- a queue
def cloudflare(groups: Any, waiting: Any = None, names: tuple[str, ...] = ("other", "jobs")) -> Handler:
    """Cloudflare with these queues; `groups` by the query and the length of its time span."""

    def handle(visit: Visit) -> None:
        head, _, body = visit.request().partition(b"\r\n\r\n")
        if not head:
            return
        path = head.split(b" ")[1].decode().partition("?")[0]
        if path == "/graphql":
            asked = json.loads(body)
            begin, end = (
                time.mktime(time.strptime(asked["variables"][name], "%Y-%m-%dT%H:%M:%SZ")) for name in ("begin", "end")
            )
            kind = "backlog" if "Backlog" in asked["query"] else "operations"
            rows = groups(kind, end - begin)
            visit.say(document({"data": {"viewer": {"accounts": [{"rows": rows}]}}, "errors": None}))
        elif path.endswith("/queues"):
            listed = [{"queue_id": name, "queue_name": name} for name in names]
            visit.say(document(OK | {"result": listed, "result_info": {"total_pages": 1}}))
        elif path.endswith("/metrics"):
            visit.say(document(OK | {"result": waiting}))
        elif path.endswith("/consumers"):
            visit.say(document(OK | {"result": [{"type": "worker", "script": "queue-worker"}]}))
        else:
            visit.say(document(OK | {"result": {"queue_name": path.rpartition("/")[2]}}))

    return handle


def queue(tmp_path: Path, server: FakeServer, **more: Any) -> Any:
    given = {"account": "a" * 32, "token": {"env": "QUEUE_TOKEN"}, "name": "jobs", "api_url": server.url}
    return handle(Queue, tmp_path, NOW, queue=given | {"window_min": 10} | more.pop("queue", {}), **more)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_TOKEN", "a-token-of-the-test")


def operation(action: str, outcome: str, count: int) -> dict[str, Any]:
    return {"count": count, "dimensions": {"actionType": action, "outcome": outcome}}


def test_messages_are_counted_by_outcome(tmp_path: Path) -> None:
    rows = [
        operation("DeleteMessage", "success", 30),
        operation("DeleteMessage", "fail", 3),
        operation("DeleteMessage", "dlq", 7),
        operation("ReadMessage", "", 90),
        operation("WriteMessage", "success", 500),
    ]
    with (
        FakeServer(cloudflare(lambda _kind, span_s: rows if span_s == 600 else [])) as server,
        queue(tmp_path, server) as one,
    ):
        reported = one.processed()
        assert (reported.done, reported.failed, reported.read, reported.total, reported.failed_percent) == (
            30,
            10,
            90,
            40,
            25.0,
        )
        assert one.processed() is reported


def test_quiet_window_counts_if_the_day_was_not_quiet(tmp_path: Path) -> None:
    rows = [operation("DeleteMessage", "success", 30)]
    with (
        FakeServer(cloudflare(lambda _kind, span_s: rows if span_s == 86400 else [])) as server,
        queue(tmp_path, server) as one,
    ):
        reported = one.processed()
        assert (reported.total, reported.failed_percent) == (0, 0.0)


def test_analytics_without_any_event_all_day_are_no_reading(tmp_path: Path) -> None:
    with FakeServer(cloudflare(lambda _kind, _span_s: [])) as server, queue(tmp_path, server) as one:
        assert refusal(one.processed).kind == "no-data"
        assert refusal(one.trend_a_minute).kind == "no-data"


def test_missing_queue_is_not_queried(tmp_path: Path) -> None:
    with FakeServer(cloudflare(lambda *_: [], names=("other",))) as server, queue(tmp_path, server) as one:
        assert one.found() == (None, 1)
        assert refusal(one.waiting).kind == "queue-missing"


@pytest.mark.parametrize(
    ("messages", "trend"),
    [([4, 10], 6.0), ([0, 0, 0, 50, 50, 50, 12, 12, 12], 2.0), ([9, 7, 5], -2.0), ([4], None)],
)
def test_how_a_backlog_grows(tmp_path: Path, messages: list[int], trend: float | None) -> None:
    rows = [
        {"avg": {"messages": count}, "dimensions": {"datetimeMinute": f"2026-01-01T00:{n:02}:00Z"}}
        for n, count in enumerate(messages)
    ]
    with (
        FakeServer(cloudflare(lambda kind, span_s: rows if (kind, span_s) == ("backlog", 600) else [])) as server,
        queue(tmp_path, server) as one,
    ):
        if trend is None:
            assert refusal(one.trend_a_minute).kind == "no-data"
        else:
            assert one.trend_a_minute() == trend


def test_waiting_messages_have_their_age(tmp_path: Path) -> None:
    waiting = {"backlog_count": 7, "oldest_message_timestamp_ms": (time.time() - 120) * 1000}
    with FakeServer(cloudflare(lambda *_: [], waiting)) as server, queue(tmp_path, server) as one:
        reported = one.waiting()
    assert reported.count == 7
    assert reported.oldest_age_s == pytest.approx(120, abs=5)


def test_causes_come_from_the_consumers_log(tmp_path: Path) -> None:
    lines = [
        line(NOW - 900, "worker Processing completed"),
        line(NOW - 300, "worker Processing completed").replace("ERROR", "INFO"),
        line(NOW - 200, "worker GROQ_1 broke"),
        line(NOW - 150, "worker broke: GROQ_1"),
        line(NOW - 100, "worker broke otherwise"),
        line(NOW - 90, "worker GROQ_1 was repaired").replace("ERROR", "INFO"),
        line(NOW - 50, "stranger Processing completed"),
    ]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    rule = {"consumer": {"script": "worker"}, "codes": {"groq": "GROQ_1"}}
    with FakeServer(cloudflare(lambda *_: [])) as server:
        with queue(tmp_path, server, queue=rule, logs={"file": "app.log"}) as one:
            assert one.has_log
            assert one.logged() == (1, {"groq": 2, "other": 1})
        rule["consumer"]["script"] = "absent"
        with queue(tmp_path, server, queue=rule, logs={"file": "app.log"}) as one:
            assert refusal(one.logged).kind == "no-entries"
        with queue(tmp_path, server, queue={"codes": {}}) as one:
            assert not one.has_log


# --------------------------------------------------------------------------------- Prometheus
def prometheus(by_query: dict[str, list[tuple[dict[str, str], float]]], kept: list[tuple[str, float]]) -> Handler:
    def answer(_method: str, path: str) -> bytes:
        asked = parse_qs(urlsplit(path).query)
        query = asked["query"][0]
        kept.append((query, float(asked.get("time", ["0"])[0])))
        found = [{"metric": labels, "value": [NOW, str(value)]} for labels, value in by_query.get(query, [])]
        return document(vector(*found))

    return answering(answer)


def is_enough(metrics: Metrics, count: float) -> bool:
    try:
        metrics.enough(count, "requests")
    except pytest.skip.Exception:
        return False
    return True


def test_series_must_exist_and_be_recent(tmp_path: Path) -> None:
    kept: list[tuple[str, float]] = []
    reported: dict[str, list[tuple[dict[str, str], float]]] = {
        "max(timestamp(fresh))": [({}, NOW - 100)],
        "max(timestamp(stale))": [({}, NOW - 140)],
        f"sum({growth('fresh', 300)})": [({}, 7.0)],
        f"sum({growth('fresh', 60)})": [({}, 3.0)],
        f"sum by (code) ({growth('fresh', 300)})": [({"code": "200"}, 5.0), ({}, 2.0)],
        "two": [({"__name__": "two", "b": "2", "a": "1"}, 1.0), ({"__name__": "two", "a": "2"}, 2.0)],
    }
    with (
        FakeServer(prometheus(reported, kept)) as server,
        handle(Metrics, tmp_path, NOW, prometheus={"url": server.url, "least": 10}) as metrics,
    ):
        metrics.require("fresh")
        assert refusal(lambda: metrics.require("fresh", "stale")).kind == "stale"
        assert refusal(lambda: metrics.require("fresh", "nowhere")).kind == "no-series"
        assert metrics.increase("fresh") == 7.0
        assert metrics.increase("fresh", 60) == 3.0
        assert metrics.increases("fresh", "code") == {"200": 5.0, "": 2.0}
        assert refusal(lambda: metrics.increase("stale")).kind == "stale"
        assert refusal(lambda: metrics.value("two")).kind == "no-series"
        assert refusal(lambda: metrics.value("none")).kind == "no-series"
        assert metrics.by_labels("two") == {(("a", "1"), ("b", "2")): 1.0, (("a", "2"),): 2.0}
        kept.clear()
        metrics.ask("two", 60)
        assert kept == [("two", NOW - 60)]
        assert is_enough(metrics, 10)
        assert not is_enough(metrics, 9.9)
        with pytest.raises(pytest.skip.Exception, match="9 requests in 5 min"):
            metrics.enough(9, "requests")
        with pytest.raises(pytest.skip.Exception, match="in a day"):
            metrics.enough(9, "requests", "a day")
        assert metrics.said("disk", 5) == 5
        assert refusal(lambda: metrics.said("disk", metrics.settings.disk)).kind == "no-source"


# ------------------------------------------------------------------------------------- sites
@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, str], tuple[str, str]]:
    """The authority's file, a certificate from it for the system, and one for other hosts."""
    folder = tmp_path_factory.mktemp("pki")
    authority = pki.make("Test CA", is_ca=True)
    (folder / "ca.pem").write_bytes(authority.pem)
    ours = pki.make("127.0.0.1", authority, names=("127.0.0.1",)).write(folder, name="ours")
    return folder / "ca.pem", ours, pki.make("shop.test", authority, names=("shop.test",)).write(folder, name="other")


Pair = tuple[Path, tuple[str, str], tuple[str, str]]


def site(tmp_path: Path, port: int, ca_file: Path | None) -> Any:
    trust: dict[str, Any] = {"ca_file": str(ca_file)} if ca_file else {}
    given = {"base_url": f"https://127.0.0.1:{port}", "health": {"path": "/health"}, "timeout_s": 2}
    with handle(Sites, tmp_path, http=given, tls={}, **trust) as sites:
        [one], gone = sites.seen()
        assert gone is None
        return one


def silent_then(status: dict[str, int]) -> Handler:
    return answering(lambda _method, path: document({}, status=f"{status[path]} So"))


def test_stage_that_a_visitor_reaches(tmp_path: Path, pair: Pair) -> None:
    ca, ours, _ = pair
    for statuses, reported in (({"/": 200}, 200), ({"/": 503}, 503), ({"/": 404, "/health": 204}, 204)):
        with FakeServer(serving(*ours, silent_then(statuses))) as server:
            found = site(tmp_path, server.port, ca)
            assert (found.status, found.unconnected, found.unshaken, found.unanswered) == (reported, "", "", "")
            assert found.unrouted_statuses == (404, 421), "this response means that no application is configured"
    with FakeServer(serving(*ours, resets_at_once)) as server:
        found = site(tmp_path, server.port, ca)
        assert (bool(found.unanswered), found.unshaken, found.unconnected) == (True, "", "")
    with FakeServer(serving(*ours)) as server:
        assert site(tmp_path, server.port, ca).unanswered
    with FakeServer(resets) as server:
        found = site(tmp_path, server.port, ca)
        assert (found.unanswered, bool(found.unshaken), found.unconnected) == ("", True, "")
    with refusing_port() as port:
        found = site(tmp_path, port, ca)
        assert (found.unanswered, found.unshaken, bool(found.unconnected)) == ("", "", True)


def test_other_errors_are_not_a_stage_of_a_visit(tmp_path: Path, pair: Pair) -> None:
    ca, ours, others = pair
    for pair_of, trusted, kind in ((others, ca, "untrusted"), (ours, None, "untrusted")):
        with FakeServer(serving(*pair_of)) as server:
            assert refusal(lambda: site(tmp_path, server.port, trusted)).kind == kind  # noqa: B023
    redirects = answering(lambda *_: document({}, "Location: /again", status="302 Found"))
    with FakeServer(serving(*ours, redirects)) as server:
        assert refusal(lambda: site(tmp_path, server.port, ca)).kind == "redirect-loop"
    with (
        handle(Sites, tmp_path, http={"base_url": "http://127.0.0.1:1"}, tls={}) as sites,
        pytest.raises(pytest.skip.Exception),
    ):
        sites.seen()


# -------------------------------------------------------------------------------- Slack's bot
def test_identity_of_the_bot_comes_from_slack(tmp_path: Path) -> None:
    kept: list[bytes] = []
    with FakeServer(always(document({"ok": True, "team": "T", "user": "bot"}), kept)) as server:
        given = {"token": {"env": "QUEUE_TOKEN"}, "api_url": server.url}
        with handle(SlackBot, tmp_path, slack_bot=given) as bot:
            assert not bot.identity().error
    assert b"Authorization: Bearer a-token-of-the-test" in kept[0]
