"""A burst stays within its limits, whatever the far end does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.slo import check_burst_is_borne
from runbook_checks.handles.burst import Burst as Handle
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http import burst
from runbook_checks.probes.http.burst import Facts
from runbook_checks.probes.http.client import Http
from runbook_checks.verdicts import Found
from tests.hostile.services import always, document
from tests.misbehaving.server import FakeServer
from tests.probes.conftest import Misbehaving, taking
from tests.probes.handles import handle


def fire(url: str, per_s: float, seconds: float) -> Facts:
    return burst.fire(Http(url), "/", per_s=per_s, seconds=seconds, callers=4)


def test_it_sends_no_more_than_was_asked_for(misbehaving: Misbehaving) -> None:
    facts = fire(misbehaving("http.healthy").url, 100, 0.5)
    assert 40 <= facts.answered <= 55
    assert facts.failed == 0
    assert len(facts.times_ms) == facts.answered


def test_it_ends_where_most_answers_are_errors(misbehaving: Misbehaving) -> None:
    facts = fire(misbehaving("http.closes-at-once").url, 500, 2)
    assert facts.failed == facts.answered < 100
    assert set(facts.outcomes) == {"no answer"}


def test_burst_does_not_wait_for_a_silent_server(misbehaving: Misbehaving) -> None:
    with taking(3.0):
        facts = fire(misbehaving("http.silent").url, 50, 0.5)
    assert facts.answered == facts.failed


def test_burst_does_not_start_at_a_closed_port() -> None:
    with pytest.raises(NoReading) as caught:
        fire("http://127.0.0.1:1/", 50, 1)
    assert caught.value.kind == "connection-refused"


@pytest.mark.parametrize(
    ("tier", "says", "is_allowed"),
    [("staging", False, True), ("production", False, False), ("production", True, True)],
)
def test_burst_in_production_must_be_enabled(tmp_path: Path, tier: str, says: bool, is_allowed: bool) -> None:
    throughput = {"path": "/plans", "requests_per_s": 10, "in_production": says}
    given: dict[str, Any] = {"http": {"base_url": "http://127.0.0.1:1"}, "throughput": throughput}
    with handle(Handle, tmp_path, tier=tier, **given) as handed:
        assert handed.is_allowed is is_allowed


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_rate_limit_for_one_client_is_not_a_fault_of_the_service(tmp_path: Path, status: str) -> None:
    with FakeServer(always(document({}, status=status))) as server:
        throughput = {"path": "/plans", "requests_per_s": 50, "seconds": 0.5, "connections": 2}
        given: dict[str, Any] = {"http": {"base_url": server.url}, "throughput": throughput}
        with handle(Handle, tmp_path, tier="staging", **given) as handed, pytest.raises((NoReading, Found)) as caught:
            check_burst_is_borne(handed)
    if status.startswith("429"):
        assert isinstance(caught.value, NoReading)
        assert caught.value.kind == "rate-limited"
    else:
        assert isinstance(caught.value, Found)
        assert caught.value.cause == "errors-under-load"
