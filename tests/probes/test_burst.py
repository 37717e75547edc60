"""A burst stays within its limits, whatever the far end does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.slo import check_burst_is_borne
from runbook_checks.handles.burst import Burst as Handle
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.burst import Burst
from runbook_checks.verdicts import Found
from tests.hostile.services import always, document
from tests.misbehaving.server import FakeServer
from tests.probes.conftest import Misbehaving, taking
from tests.probes.handles import handle


def burst(url: str) -> Burst:
    return Burst(url, headers={}, run_id="r", context=None, resolver=None)


def test_burst_sends_no_more_than_requested(misbehaving: Misbehaving) -> None:
    facts = burst(misbehaving("http.healthy").url).fire(per_s=100, seconds=0.5, callers=4)
    assert 40 <= facts.answered <= 55
    assert facts.failed == 0
    assert len(facts.times_ms) == facts.answered


def test_burst_ends_if_most_responses_are_errors(misbehaving: Misbehaving) -> None:
    facts = burst(misbehaving("http.closes-at-once").url).fire(per_s=500, seconds=2, callers=4)
    assert facts.failed == facts.answered < 100
    assert set(facts.outcomes) == {"no answer"}


def test_burst_does_not_wait_for_a_silent_server(misbehaving: Misbehaving) -> None:
    with taking(3.0):
        facts = burst(misbehaving("http.silent").url).fire(per_s=50, seconds=0.5, callers=4)
    assert facts.answered == facts.failed


def test_burst_does_not_start_at_a_closed_port() -> None:
    with pytest.raises(NoReading) as caught:
        burst("http://127.0.0.1:1/").fire(per_s=50, seconds=1, callers=4)
    assert caught.value.kind == "connection-refused"


@pytest.mark.parametrize(
    ("tier", "says", "is_allowed"),
    [("staging", False, True), ("production", False, False), ("production", True, True)],
)
def test_burst_in_production_must_be_enabled(tmp_path: Path, tier: str, says: bool, is_allowed: bool) -> None:
    throughput = {"path": "/plans", "requests_per_s": 10, "in_production": says}
    given: dict[str, Any] = {"http": {"base_url": "http://127.0.0.1:1"}, "throughput": throughput}
    with handle(Handle, tmp_path, tier=tier, **given) as burst:
        assert burst.is_allowed is is_allowed


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_rate_limit_for_one_client_is_not_a_fault_of_the_service(tmp_path: Path, status: str) -> None:
    with FakeServer(always(document({}, status=status))) as server:
        throughput = {"path": "/plans", "requests_per_s": 50, "seconds": 0.5, "connections": 2}
        given: dict[str, Any] = {"http": {"base_url": server.url}, "throughput": throughput}
        with handle(Handle, tmp_path, tier="staging", **given) as burst, pytest.raises((NoReading, Found)) as caught:
            check_burst_is_borne(burst)
    if status.startswith("429"):
        assert isinstance(caught.value, NoReading)
        assert caught.value.kind == "rate-limited"
    else:
        assert isinstance(caught.value, Found)
        assert caught.value.cause == "errors-under-load"
