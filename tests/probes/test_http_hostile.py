"""Whatever the far end does, an HTTP reading ends in time, within limits, with one sentence."""

from __future__ import annotations

import tracemalloc

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http, NotJson
from tests.misbehaving.http import bomb
from tests.misbehaving.server import BlackHole, refusing_port
from tests.probes.conftest import Misbehaving, taking

TIMEOUT_S = 0.6  # for servers that only the timeout ends
PATIENCE_S = 4.0
BOMB = len(bomb())  # created before any time is measured
MAX_BODY = 64 * 1024

HOSTILE = {
    "http.silent": "read-timeout",
    "http.drips-headers": "read-timeout",
    "http.endless-headers": "read-timeout",
    "http.drips-body": "read-timeout",
    "http.drips-chunks": "read-timeout",
    "http.stalls-in-body": "read-timeout",
    "http.ssh": "malformed-answer",
    "http.closes-at-once": "connection-reset",
    "http.resets-at-once": "connection-reset",
    "http.resets-mid-headers": "connection-reset",
    "http.closes-mid-headers": "connection-reset",
    "http.resets-mid-body": "connection-reset",
    "http.short-body": "connection-reset",
    "http.short-chunks": "connection-reset",
    "http.oversized": "body-too-large",
    "http.oversized-unannounced": "body-too-large",
    "http.oversized-chunks": "body-too-large",
    "http.one-endless-chunk": "body-too-large",
    "http.gzip-bomb": "body-too-large",
    "http.gzip-broken": "malformed-answer",
    "http.brotli-unasked": "malformed-answer",
    "http.endless-trailer": "malformed-answer",
    "http.endless-chunk-size": "malformed-answer",
    "http.redirects-for-ever": "redirect-loop",
    "http.broken-chunking": "malformed-answer",
    "http.negative-chunk": "malformed-answer",
    "http.garbage": "malformed-answer",
    "http.bad-status": "malformed-answer",
    "http.huge-header": "malformed-answer",
    "http.many-headers": "malformed-answer",
    "http.endless-status-line": "malformed-answer",
    "http.bad-header-line": "malformed-answer",
    "http.bad-content-length": "malformed-answer",
    "http.two-content-lengths": "malformed-answer",
    "http.unknown-transfer-coding": "malformed-answer",
    "http.continue-storm": "malformed-answer",
    "http.early-hints-storm": "malformed-answer",
}


def patience(name: str) -> float:
    return TIMEOUT_S if HOSTILE[name] == "read-timeout" else PATIENCE_S


def is_one_sentence(gone: NoReading) -> bool:
    return bool(gone.reason) and "\n" not in str(gone) and "Traceback" not in str(gone) and len(str(gone)) < 330


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "shared"])
def test_hostile_far_end_is_named_in_time(misbehaving: Misbehaving, name: str, fresh: bool) -> None:
    max_body = 2 * BOMB if name == "http.gzip-bomb" else MAX_BODY
    with taking(TIMEOUT_S + 1.0), pytest.raises(NoReading) as caught:
        Http(misbehaving(name).url, timeout_s=patience(name), max_body=max_body).get("/", fresh=fresh)
    gone = caught.value
    assert (gone.kind, gone.resource) == (HOSTILE[name], "http")
    assert is_one_sentence(gone), str(gone)


@pytest.mark.parametrize("name", [n for n, kind in HOSTILE.items() if kind != "redirect-loop"])
def test_post_is_never_sent_twice(misbehaving: Misbehaving, name: str) -> None:
    server = misbehaving(name)
    max_body = 2 * BOMB if name == "http.gzip-bomb" else MAX_BODY
    with taking(TIMEOUT_S + 1.0), pytest.raises(NoReading) as caught:
        Http(server.url, timeout_s=patience(name), max_body=max_body).send("POST", "/", body=b"{}")
    assert (caught.value.kind, caught.value.attempts, server.visits) == (HOSTILE[name], 1, 1)


def test_reset_reading_is_retried_once_and_reported(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.resets-at-once")
    with pytest.raises(NoReading) as caught:
        Http(server.url).get("/")
    assert (caught.value.attempts, server.visits) == (2, 2)


def test_refused() -> None:
    with refusing_port() as port, taking(1.0), pytest.raises(NoReading) as caught:
        Http(f"http://127.0.0.1:{port}").get("/")
    assert str(caught.value) == f"http: 127.0.0.1:{port} refused the connection"
    assert (caught.value.kind, caught.value.attempts) == ("connection-refused", 2)
    assert caught.value.evidence["tried"] == {"127.0.0.1": "refused the connection"}


def test_black_holed_connect_ends_with_the_deadline() -> None:
    with BlackHole() as hole, taking(1.0, at_least_s=0.5), pytest.raises(NoReading) as caught:
        Http(hole.url, timeout_s=TIMEOUT_S).get("/")
    assert caught.value.kind == "connect-timeout"


def test_black_holed_connect_ends_with_its_own_time_out() -> None:
    with BlackHole() as hole, taking(0.9, at_least_s=0.3), pytest.raises(NoReading) as caught:
        Http(hole.url, timeout_s=5, connect_timeout_s=0.4).get("/")
    assert caught.value.kind == "connect-timeout"


def test_gzip_bomb_is_not_decompressed(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.gzip-bomb")
    http = Http(server.url, timeout_s=20, max_body=2 * BOMB)
    tracemalloc.start()
    try:
        with pytest.raises(NoReading, match=f"larger than {2 * BOMB} bytes"):
            http.get("/")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_an_endless_body_is_not_kept_in_memory(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.oversized-unannounced")
    http = Http(server.url)
    tracemalloc.start()
    try:
        with pytest.raises(NoReading):
            http.get("/")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["http.html", "http.utf16", "http.empty"])
def test_invalid_json_is_a_response_but_not_a_document(misbehaving: Misbehaving, name: str) -> None:
    answer = Http(misbehaving(name).url).get("/")
    assert answer.status == 200
    with pytest.raises(NotJson) as caught:
        answer.json()
    assert caught.value.kind == "not-json"
    assert is_one_sentence(caught.value)


@pytest.mark.parametrize("name", ["http.gzip-unasked", "http.deflate-raw", "http.early-hints"])
def test_unusual_response_is_read(misbehaving: Misbehaving, name: str) -> None:
    assert Http(misbehaving(name).url).get("/").json() == {"status": "UP"}


def test_response_before_the_body_was_read_is_the_response(misbehaving: Misbehaving) -> None:
    with taking(1.0):
        answer = Http(misbehaving("http.early-refusal").url).send("POST", "/", body=b"x" * 1000)
    assert (answer.status, answer.text) == (413, "too large")
