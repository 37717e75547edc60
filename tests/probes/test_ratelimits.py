"""What is a limit of our rate, and when is it waited for?"""

from __future__ import annotations

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.journal import Reading
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.openapi.violations import violations
from tests.hostile.services import always, answering, document
from tests.probes.conftest import taking
from tests.probes.test_http_again import in_turn
from tests.zoo.beast import Beast
from tests.zoo.http import JSON, whole

BUSY = "429 Too Many Requests"
FINE = whole(JSON, "Connection: close")


def busy(*headers: str) -> bytes:
    return document({"message": "slow down"}, *headers, status=BUSY)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_short_wait_is_waited_for_once_and_told(entries: list[Reading], fresh: bool) -> None:
    with Beast(in_turn(always(busy("Retry-After: 0.3")), always(FINE))) as server, taking(1, at_least_s=0.3):
        assert Http(server.url).get("/", fresh=fresh).status == 200
    assert entries[-1].facts["attempts"] == 2


@pytest.mark.parametrize(("after", "visits"), [("0", 2), ("4", 1), ("86400", 1)])
def test_a_limit_that_stays_is_no_reading(after: str, visits: int) -> None:
    with Beast(always(busy(f"Retry-After: {after}"))) as server, taking(1), pytest.raises(NoReading) as caught:
        Http(server.url).get("/orders?token=x")
    gone = caught.value
    assert (gone.kind, gone.resource, gone.attempts, server.visits) == ("rate-limited", "http", visits, visits)
    several = "attempt" if visits == 1 else "attempts"
    reported = f"{server.url}/orders: rate limited (HTTP 429), retry after {after} s ({visits} {several})"
    assert gone.reason == reported


def test_no_wait_outlasts_the_check() -> None:
    token = current.set(Deadline(1.5))
    try:
        with Beast(always(busy("Retry-After: 2"))) as server, taking(0.5), pytest.raises(NoReading):
            Http(server.url).get("/")
    finally:
        current.reset(token)
    assert server.visits == 1


def test_what_is_sent_is_sent_once() -> None:
    with Beast(always(busy("Retry-After: 0"))) as server, pytest.raises(NoReading) as caught:
        Http(server.url).send("POST", "/", body=b"{}")
    assert (caught.value.kind, server.visits) == ("rate-limited", 1)


def test_who_asks_for_the_limit_gets_it() -> None:
    with Beast(always(busy())) as server:
        assert Http(server.url).get("/", even_limited=True).status == 429
        assert Http(server.url).send("POST", "/", even_limited=True).status == 429
        assert server.visits == 2


def test_a_contract_is_not_violated_by_a_limit_and_no_more_is_asked() -> None:
    asked: list[bytes] = []
    responses = {"200": {"description": "fine", "content": {"application/json": {"schema": {"type": "object"}}}}}
    paths = {f"/{name}": {"get": {"responses": responses}} for name in "abcdef"}
    contract = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}

    def answer(_method: str, path: str) -> bytes:
        return document(contract) if path == "/openapi.json" else busy("Retry-After: 30")

    with Beast(answering(answer, asked)) as server, pytest.raises(NoReading) as caught:
        violations("/openapi.json", Http(server.url), max_examples=2)
    assert "6 of 6 operations were not looked at: GET /a (rate limited (HTTP 429), retry after 30 s" in str(
        caught.value
    )
    assert len(asked) == 2
