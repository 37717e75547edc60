"""Log entries from Loki (a stand-in with its API), CloudWatch Logs (moto) and a command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.logs.cloudwatch import CloudWatch
from runbook_checks.probes.logs.command import read_printed
from runbook_checks.probes.logs.loki import Loki
from runbook_checks_lab.servers.loki import Loki as LokiStandIn
from runbook_checks_lab.servers.ports import quiet_port
from tests.harness import PROJECT
from tests.hostile.services import always, document
from tests.misbehaving.server import FakeServer
from tests.probes.conftest import taking
from tests.probes.insights import insights

NOW = float(int(time.time()))
WINDOW: dict[str, Any] = {"since": NOW - 1800, "until": NOW}
API, RUNTIME = '{service="api"}', '{service="runtime"}'
HALF = '{"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}, "values": [["x"]]}]}}'
FILTER = '|~ "(?i)(error|fatal)"'


@pytest.fixture
def stand_in() -> Iterator[LokiStandIn]:
    """Runs in its own event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def made() -> LokiStandIn:
        loki = LokiStandIn()
        await loki.start()
        return loki

    loki = asyncio.run_coroutine_threadsafe(made(), loop).result(10)
    yield loki
    asyncio.run_coroutine_threadsafe(loki.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def loki_at(stand_in: LokiStandIn, tenant: str = "") -> Loki:
    headers = {"X-Scope-OrgID": tenant} if tenant else {}
    return Loki(Http(f"http://127.0.0.1:{stand_in.http.port}", resource="logs", headers=headers, max_body=16 << 20))


def said(level: str, message: str) -> str:
    return json.dumps({"level": level, "msg": message})


def test_entries_of_all_streams_are_in_order_with_their_own_levels(stand_in: LokiStandIn) -> None:
    stand_in.push({"service": "api"}, [(NOW - 60, said("error", "b")), (NOW - 5000, said("error", "before"))])
    stand_in.push({"service": "api", "pod": "2"}, [(NOW - 30, said("info", "no error at all"))])
    stand_in.push({"service": "runtime"}, [(NOW - 90, "level=fatal msg=a"), (NOW - 20, said("info", "fine"))])
    reading = loki_at(stand_in).read([API, RUNTIME], FILTER, alive_s=1800, **WINDOW)
    reported = [(entry.level, entry.message) for entry in reading.entries]
    assert reported == [("FATAL", "a"), ("ERROR", "b"), ("INFO", "no error at all")]
    assert reading.complete
    assert reading.is_alive


def test_pages_are_joined_without_loss_or_repetition(stand_in: LokiStandIn) -> None:
    """More entries than fit into a page, many of them with the same time."""
    lines = [(NOW - 1000 + number // 50, said("error", f"n{number}")) for number in range(2600)]
    stand_in.push({"service": "api"}, lines)
    reading = loki_at(stand_in).read([API], FILTER, alive_s=1800, **WINDOW)
    assert [entry.message for entry in reading.entries].count("n7") == 1
    assert len(reading.entries) == 2600
    assert reading.complete


def test_more_entries_with_one_time_than_a_page_are_incomplete(stand_in: LokiStandIn) -> None:
    stand_in.push({"service": "api"}, [(NOW - 10, said("error", f"n{number}")) for number in range(1500)])
    assert not loki_at(stand_in).read([API], FILTER, alive_s=1800, **WINDOW).complete


def test_structured_metadata_belongs_to_one_entry() -> None:
    """Loki 3 returns structured metadata as a third element of an entry; labels of the stream apply to all of it.

    detected_level is Loki's guess: any other level has priority.
    """
    values: list[list[Any]] = [
        [f"{int(NOW - 60)}000000000", "a", {"structuredMetadata": {"detected_level": "error"}}],
        [f"{int(NOW - 50)}000000000", "b", {"structuredMetadata": {}}],
        [f"{int(NOW - 40)}000000000", "c"],
        [f"{int(NOW - 30)}000000000", "d", "no object"],
        [f"{int(NOW - 20)}000000000", "WARN e", {"structuredMetadata": {"severity": "error"}}],
    ]
    result = [
        {"stream": {"level": "info", "pod": "1"}, "values": values},
        {"stream": {"pod": "2"}, "values": values[2:3]},
    ]
    said = {"status": "success", "data": {"resultType": "streams", "result": result}}
    with FakeServer(always(document(said))) as server:
        reading = Loki(Http(server.url)).read([API], "", alive_s=1800, **WINDOW)
    reported = [(entry.message, entry.level) for entry in reading.entries]
    assert reported == [("a", "INFO"), ("b", "INFO"), ("c", "INFO"), ("c", ""), ("d", "INFO"), ("e", "WARN")]


def test_missing_stream_is_not_an_empty_log(stand_in: LokiStandIn) -> None:
    stand_in.push({"service": "api"}, [(NOW - 60, said("info", "fine"))])
    assert loki_at(stand_in).read([API], FILTER, alive_s=1800, **WINDOW).entries == []
    with pytest.raises(NoReading) as caught:
        loki_at(stand_in).read([API, RUNTIME], FILTER, alive_s=1800, **WINDOW)
    assert caught.value.kind == "no-stream"
    assert 'service="runtime"' in caught.value.reason


@pytest.mark.parametrize(
    ("status", "page", "kind"),
    [
        (500, "too many outstanding requests", "http-500"),
        (302, "", "http-302"),
        (200, "<html>Grafana</html>", "not-json"),
        (200, '{"status": "success", "data": {"resultType": "matrix", "result": []}}', "malformed-answer"),
        (200, '{"status": "success"}', "malformed-answer"),
        (200, HALF, "malformed-answer"),
    ],
)
def test_unexpected_response_of_loki_is_not_an_empty_log(
    stand_in: LokiStandIn, status: int, page: str, kind: str
) -> None:
    stand_in.behaviour.status, stand_in.behaviour.page = status, page
    with pytest.raises(NoReading) as caught:
        loki_at(stand_in).read([API], FILTER, alive_s=1800, **WINDOW)
    assert caught.value.kind == kind
    assert caught.value.resource == "logs"


def test_lokis_own_message_for_a_wrong_query_is_shown(stand_in: LokiStandIn) -> None:
    with pytest.raises(NoReading) as caught:
        loki_at(stand_in).read(["{service=api}"], FILTER, alive_s=1800, **WINDOW)
    assert "parse error" in caught.value.reason


def test_tenant_sees_only_its_own_streams(stand_in: LokiStandIn) -> None:
    stand_in.behaviour.tenant = "ours"
    stand_in.push({"service": "api"}, [(NOW - 60, said("error", "b"))])
    assert len(loki_at(stand_in, "ours").read([API], FILTER, alive_s=1800, **WINDOW).entries) == 1
    for other, kind in (("", "http-401"), ("theirs", "no-stream")):
        with pytest.raises(NoReading) as caught:
            loki_at(stand_in, other).read([API], FILTER, alive_s=1800, **WINDOW)
        assert caught.value.kind == kind


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    pytest.importorskip("moto")
    port = quiet_port()
    child = subprocess.Popen([sys.executable, "-m", "runbook_checks_lab.servers.moto_child", str(port)], cwd=PROJECT)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(NoReading):
                Http(url).get("/moto-api/", fresh=True)
                break
            time.sleep(0.1)
        yield url
    finally:
        child.terminate()
        child.wait(10)


def behind(url: str) -> Any:
    import boto3

    return boto3.client(
        "logs", endpoint_url=url, region_name="eu-west-1", aws_access_key_id="lab-behind", aws_secret_access_key="x"
    )


def put(client: Any, group: str, lines: list[tuple[float, str]]) -> None:
    with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_group(logGroupName=group)
    with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_stream(logGroupName=group, logStreamName="one")
    events = [{"timestamp": int(at * 1000), "message": line} for at, line in sorted(lines)]
    client.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


def cloudwatch(url: str) -> CloudWatch:
    return CloudWatch("eu-west-1", key_id="checks", secret="checks-secret", endpoint=url)


def test_cloudwatch_entries_are_in_order_with_their_own_levels(moto: str) -> None:
    lines = [(NOW - 60, said("error", "b")), (NOW - 90, "2026-05-04T09:00:00Z ERROR a"), (NOW - 30, said("info", "c"))]
    put(behind(moto), "/reverseai/api", lines)
    reading = cloudwatch(moto).read(["/reverseai/api"], "(?i)(error|fatal)", alive_s=1800, **WINDOW)
    assert [(e.time, e.level, e.message) for e in reading.entries] == [
        (NOW - 90, "ERROR", "a"),
        (NOW - 60, "ERROR", "b"),
    ]
    assert reading.complete


def test_quiet_or_missing_group_is_not_an_empty_log(moto: str) -> None:
    put(behind(moto), "/reverseai/alive", [(NOW - 60, said("info", "fine"))])
    put(behind(moto), "/reverseai/quiet", [(NOW - 7200, said("error", "long ago"))])
    assert cloudwatch(moto).read(["/reverseai/alive"], "error", alive_s=1800, **WINDOW).entries == []
    for group in ("/reverseai/quiet", "/reverseai/not-there"):
        with pytest.raises(NoReading) as caught:
            cloudwatch(moto).read(["/reverseai/alive", group], "error", alive_s=1800, **WINDOW)
        assert caught.value.kind == "no-stream"


def test_query_is_polled_until_it_is_complete() -> None:
    asked: list[dict[str, Any]] = []
    states = ("Scheduled", "Unknown", "Running", "Complete")
    with FakeServer(insights([("/api", NOW - 60, "ERROR a")], asked, states)) as server, taking(3.0, 1.2):
        reading = cloudwatch(server.url).read(["/api"], "a/b", alive_s=3600, **WINDOW)
    assert [(entry.time, entry.message) for entry in reading.entries] == [(NOW - 60, "a")]
    assert (reading.first_time, reading.last_time, reading.complete) == (NOW - 60, NOW - 60, True)
    assert [(one["startTime"], one["endTime"]) for one in asked] == [(NOW - 3600, NOW), (NOW - 1800, NOW)]
    assert "like /a\\/b/" in asked[1]["queryString"]


@pytest.mark.parametrize(
    ("state", "kind", "stops"),
    [("Failed", "query-failed", 0), ("Cancelled", "query-failed", 0), ("Running", "timeout", 1)],
)
def test_failed_query_is_not_an_empty_log(state: str, kind: str, stops: int) -> None:
    calls: list[str] = []
    with (
        FakeServer(insights([], [], (state,), calls)) as server,
        taking(1.5),
        pytest.raises(NoReading) as caught,
    ):
        CloudWatch("eu-west-1", key_id="checks", secret="checks-secret", endpoint=server.url, timeout_s=1).read(
            ["/api"], "error", alive_s=1800, **WINDOW
        )
    assert (caught.value.kind, calls.count("StopQuery")) == (kind, stops)


def test_maximum_number_of_rows_may_be_incomplete() -> None:
    rows = [("/api", NOW - 60 - number % 100, "ERROR a") for number in range(10_000)]
    for some, is_complete in ((rows, False), (rows[1:], True)):
        with FakeServer(insights(some, [])) as server:
            reading = cloudwatch(server.url).read(["/api"], "error", alive_s=1800, **WINDOW)
        assert reading.complete == is_complete
        assert [entry.time for entry in reading.entries] == sorted(at for _, at, _ in some)


def test_silent_endpoint_is_named_in_time() -> None:
    unreachable = cloudwatch(f"http://127.0.0.1:{quiet_port()}")
    with taking(3), pytest.raises(NoReading) as caught:
        unreachable.read(["/reverseai/api"], "error", alive_s=1800, **WINDOW)
    assert caught.value.kind == "endpoint-unreachable"


def test_a_commands_lines_are_entries_within_the_window(tmp_path: Path) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 60))
    script = tmp_path / "tail"
    script.write_text(f"#!/bin/sh\necho \"{stamp} ERROR since=$1 until=$2\"\necho '2001-01-01T00:00:00Z ERROR old'\n")
    script.chmod(0o700)
    reading = read_printed([str(script), "{since}", "{until_utc}"], timeout_s=5, **WINDOW)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))
    assert [(e.level, e.message) for e in reading.entries] == [("ERROR", f"since={NOW - 1800:.0f} until={until}")]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["/nonexistent/tail"], "unreadable"),
        (["false"], "unreadable"),
        (["sleep", "30"], "timeout"),
        (["echo", "no time in here"], "no-timestamps"),
    ],
)
def test_command_without_usable_output_is_not_an_empty_log(words: list[str], kind: str) -> None:
    with taking(1.5), pytest.raises(NoReading) as caught:
        read_printed(words, timeout_s=1, **WINDOW)
    assert caught.value.kind == kind
    assert os.sep not in caught.value.reason or words[0] in caught.value.reason
