"""Responses that limit the rate, and waits for a retry."""

from __future__ import annotations

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.openapi.violations import violations
from tests.hostile.services import always, answering, document
from tests.misbehaving.http import JSON, whole
from tests.misbehaving.server import FakeServer
from tests.probes.conftest import taking
from tests.probes.test_http_retries import in_turn

BUSY = "429 Too Many Requests"
FINE = whole(JSON, "Connection: close")


def busy(*headers: str) -> bytes:
    return document({"message": "slow down"}, *headers, status=BUSY)


@pytest.mark.parametrize("fresh", [True, False])
def test_short_wait_is_made_once_and_reported(entries: list[Reading], fresh: bool) -> None:
    with (
        FakeServer(in_turn(always(busy("Retry-After: 0.3")), always(FINE))) as server,
        taking(1, at_least_s=0.3),
    ):
        assert Http(server.url).get("/", fresh=fresh).status == 200
    assert entries[-1].facts["attempts"] == 2


@pytest.mark.parametrize(("after", "visits"), [("0", 2), ("4", 1), ("86400", 1)])
def test_lasting_limit_is_no_reading(after: str, visits: int) -> None:
    with (
        FakeServer(always(busy(f"Retry-After: {after}"))) as server,
        taking(1),
        pytest.raises(NoReading) as caught,
    ):
        Http(server.url).get("/orders?token=x")
    gone = caught.value
    assert (gone.kind, gone.resource, gone.attempts, server.visits) == ("rate-limited", "http", visits, visits)
    several = "attempt" if visits == 1 else "attempts"
    reported = f"{server.url}/orders: rate limited (HTTP 429), retry after {after} s ({visits} {several})"
    assert gone.reason == reported


def test_no_wait_exceeds_the_deadline() -> None:
    token = current.set(Deadline(1.5))
    try:
        with FakeServer(always(busy("Retry-After: 2"))) as server, taking(0.5), pytest.raises(NoReading):
            Http(server.url).get("/")
    finally:
        current.reset(token)
    assert server.visits == 1


def test_post_is_sent_once() -> None:
    with FakeServer(always(busy("Retry-After: 0"))) as server, pytest.raises(NoReading) as caught:
        Http(server.url).send("POST", "/", body=b"{}")
    assert (caught.value.kind, server.visits) == ("rate-limited", 1)


def test_caller_that_accepts_429_gets_it() -> None:
    with FakeServer(always(busy())) as server:
        assert Http(server.url).get("/", even_limited=True).status == 429
        assert Http(server.url).send("POST", "/", even_limited=True).status == 429
        assert server.visits == 2


def test_rate_limit_is_no_contract_violation_and_ends_the_requests() -> None:
    asked: list[bytes] = []
    responses = {"200": {"description": "fine", "content": {"application/json": {"schema": {"type": "object"}}}}}
    paths = {f"/{name}": {"get": {"responses": responses}} for name in "abcdef"}
    contract = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}

    def answer(_method: str, path: str) -> bytes:
        return document(contract) if path == "/openapi.json" else busy("Retry-After: 30")

    with FakeServer(answering(answer, asked)) as server, pytest.raises(NoReading) as caught:
        violations("/openapi.json", Http(server.url), max_examples=2)
    assert "6 of 6 operations were not looked at: GET /a (rate limited (HTTP 429), retry after 30 s" in str(
        caught.value
    )
    assert len(asked) == 2
