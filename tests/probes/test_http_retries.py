"""Retries and redirects of a reading."""

from __future__ import annotations

import pytest

from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.http.client import Http
from tests.hostile.services import answering, document
from tests.misbehaving.http import JSON, whole
from tests.misbehaving.server import FakeServer, Handler, Visit
from tests.probes.conftest import Misbehaving, taking


def in_turn(*handlers: Handler) -> Handler:
    """Handle one connection after the other, the last handler for all that follow."""
    left = list(handlers)

    def handle(visit: Visit) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(visit)

    return handle


def resets(visit: Visit) -> None:
    visit.request()
    visit.reset()


def is_silent(visit: Visit) -> None:
    visit.stay_silent()


def answers(visit: Visit) -> None:
    visit.request()
    visit.say(whole(JSON, "Connection: close"))


def garbles(visit: Visit) -> None:
    visit.request()
    visit.say(b"\x00\xff\r\n\r\n")


def test_only_a_refused_or_reset_request_is_retried(misbehaving: Misbehaving) -> None:
    names = ("garbage", "bad-status", "oversized", "brotli-unasked", "bad-header-line", "ssh")
    for server in (misbehaving(f"http.{name}") for name in names):
        with pytest.raises(NoReading) as caught:
            Http(server.url).get("/")
        assert (caught.value.attempts, server.visits) == (1, 1)


def test_retry_may_succeed() -> None:
    for fresh in (True, False):
        with FakeServer(in_turn(resets, answers)) as server, taking(0.5, 0.1):
            answer = Http(server.url).get("/", fresh=fresh)
        assert (answer.status, answer.attempts, server.visits) == (200, 2, 2)


def test_journal_has_the_number_of_attempts(entries: list[Reading]) -> None:
    for handlers, fails in (((resets, answers), False), ((resets, garbles), True), ((garbles,), True)):
        with FakeServer(in_turn(*handlers)) as server:
            if fails:
                with pytest.raises(NoReading):
                    Http(server.url).get("/")
            else:
                Http(server.url).get("/")
    assert [entry.facts["attempts"] for entry in entries] == [2, 2, 1]


def test_no_retry_without_time_left() -> None:
    with FakeServer(resets) as server, pytest.raises(NoReading) as caught:
        Http(server.url, timeout_s=0.1).get("/")
    assert (caught.value.kind, caught.value.attempts, server.visits) == ("connection-reset", 1, 1)


def test_first_failure_is_reported_if_the_retry_timed_out() -> None:
    with FakeServer(in_turn(resets, is_silent)) as server, taking(0.6), pytest.raises(NoReading) as caught:
        Http(server.url, timeout_s=0.6).get("/")
    assert (caught.value.kind, caught.value.attempts) == ("connection-reset", 2)
    with FakeServer(in_turn(resets, garbles)) as server, pytest.raises(NoReading) as caught:
        Http(server.url).get("/")
    assert (caught.value.kind, caught.value.attempts) == ("malformed-answer", 2)


@pytest.mark.parametrize("many", [5, 6])
def test_five_redirects_are_followed_and_no_more(many: int) -> None:
    def answer(_method: str, path: str) -> bytes:
        number = int(path[1:])
        status = (301, 302, 303, 307, 308)[number % 5]
        moved = document({}, f"Location: /{number + 1}", status=f"{status} Moved")
        return moved if number < many else document({"at": number})

    with FakeServer(answering(answer)) as server:
        if many == 5:
            found = Http(server.url).get("/0")
            assert found.json() == {"at": 5}
            assert [url.rpartition("/")[2] for url in found.redirects] == ["0", "1", "2", "3", "4"]
            return
        with pytest.raises(NoReading) as caught:
            Http(server.url).get("/0")
        assert (caught.value.kind, server.visits) == ("redirect-loop", 6)


def test_other_responses_with_a_location_are_the_response() -> None:
    for status in (200, 201, 300, 304, 305, 404):
        said = document({}, "Location: /there", status=f"{status} So")
        with FakeServer(answering(lambda _method, _path, said=said: said)) as server:  # type: ignore[misc]
            assert Http(server.url).get("/").status == status
        assert server.visits == 1


def test_response_over_the_limit_is_no_reading() -> None:
    for size, fits in ((100, True), (101, False)):
        with FakeServer(answering(lambda *_, size=size: whole(b"x" * size, "Connection: close"))) as server:
            http = Http(server.url, max_body=100)
            if fits:
                assert len(http.get("/").body) == size
                continue
            with pytest.raises(NoReading) as caught:
                http.get("/")
            assert caught.value.kind == "body-too-large"


def test_connection_with_half_an_answer_in_it_is_not_used_again() -> None:
    """A server that keeps connections open sends more than is read, and the rest later."""
    long = whole(b"x" * 3000)

    def stays_open(visit: Visit) -> None:
        left = b""
        while asked := visit.request():
            if b" /long " in asked:
                visit.say(long[:-1500])
                left = long[-1500:]
            else:
                visit.say(left + whole(JSON))
                left = b""

    with FakeServer(stays_open) as server:
        http = Http(server.url, max_body=1000)
        with pytest.raises(NoReading) as caught:
            http.get("/long")
        assert caught.value.kind == "body-too-large"
        assert http.get("/").body == http.get("/").body == JSON
        assert server.visits == 2


def test_authorities_are_read_only_for_tls() -> None:
    with FakeServer(answers) as server:
        http = Http(server.url, ca_file="/nonexistent/ca.pem")
        assert http.get("/").status == http.send("POST", "/").status == 200
        with pytest.raises(NoReading) as caught:
            Http(server.url.replace("http:", "HTTPS:"), ca_file="/nonexistent/ca.pem").get("/")
    assert caught.value.kind == "ca-file-unreadable"
