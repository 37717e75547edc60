"""Responses of Prometheus, and of servers that are not Prometheus."""

from __future__ import annotations

import json
import math
import time

import pytest

from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.metrics.histogram import Histogram
from runbook_checks.probes.metrics.prometheus import Prometheus
from tests.misbehaving.prometheus import ANSWERS
from tests.probes.conftest import Misbehaving, taking

QUERY = 'sum(rate(x_total{a="b & c"}[5m]))'
READABLE = [name for name, (_, _, kind) in ANSWERS.items() if kind is None]
SILENT = {name: kind for name, (_, _, kind) in ANSWERS.items() if kind is not None}


def ask(misbehaving: Misbehaving, name: str) -> Prometheus:
    return Prometheus(Http(misbehaving(f"prometheus.{name}").url, resource="prometheus", timeout_s=1, max_body=8 << 20))


@pytest.mark.parametrize(("name", "kind"), SILENT.items())
def test_kind_of_an_unusable_response(misbehaving: Misbehaving, name: str, kind: str) -> None:
    with pytest.raises(NoReading) as caught:
        ask(misbehaving, name).instant(QUERY, 1.0)
    assert caught.value.kind == kind
    assert caught.value.resource == "prometheus"
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize("name", READABLE)
def test_valid_response_is_read(misbehaving: Misbehaving, name: str) -> None:
    found = ask(misbehaving, name).instant(QUERY, 1.0)
    values = {"vector": [42.5], "remark": [42.5], "empty": [], "scalar": [7.0], "matrix": [3.0]}
    assert [series.value for series in found] == values[name]


def test_journal_has_the_query(misbehaving: Misbehaving, entries: list[Reading]) -> None:
    ask(misbehaving, "vector").instant(QUERY, 1.0)
    [entry] = [entry for entry in entries if entry.title.startswith("PromQL")]
    assert entry.title == f"PromQL {QUERY}"
    assert entry.facts == {"series": 1, "values": [{"job": "api", "value": 42.5}]}


def test_one_query_is_sent_once(misbehaving: Misbehaving, entries: list[Reading]) -> None:
    server = ask(misbehaving, "vector")
    for _ in range(3):
        server.instant(QUERY, 1.0)
    assert len({entry.started for entry in entries if entry.title.startswith("GET")}) == 1


def test_truncated_document_is_no_reading(misbehaving: Misbehaving) -> None:
    with pytest.raises(NoReading) as caught:
        ask(misbehaving, "cut-off").instant(QUERY, 1.0)
    assert caught.value.kind == "not-json"


def test_silent_server_times_out(misbehaving: Misbehaving) -> None:
    with taking(1.2), pytest.raises(NoReading) as caught:
        Prometheus(Http(misbehaving("http.drips-body").url, timeout_s=1)).instant(QUERY, time.time())
    assert caught.value.kind == "read-timeout"


def test_login_goes_along_and_never_shows(misbehaving: Misbehaving, entries: list[Reading]) -> None:
    from runbook_checks.probes.http.target import basic

    http = Http(misbehaving("http.echo").url, resource="prometheus", headers=basic("monitor", "very-secret-word"))
    with pytest.raises(NoReading):  # an echo is not a response of Prometheus
        Prometheus(http).instant(QUERY, 1.0)
    assert "very-secret-word" not in json.dumps([entry.__dict__ for entry in entries])


BUCKETS = {"0.1": 50.0, "0.2": 90.0, "0.5": 96.0, "1": 100.0, "+Inf": 100.0}


def test_quantile_matches_histogram_quantile() -> None:
    """Calculated by hand, as in the documentation of histogram_quantile."""
    histogram = Histogram(BUCKETS, "prometheus", "x")
    assert histogram.quantile(0.95).estimate == pytest.approx(0.45)
    assert histogram.quantile(0.99).estimate == pytest.approx(0.875)
    assert histogram.quantile(0.5).estimate == pytest.approx(0.1)


def test_no_estimate_beyond_the_last_bucket() -> None:
    histogram = Histogram(BUCKETS | {"+Inf": 200.0}, "prometheus", "x")
    beyond = histogram.quantile(0.95)
    assert (beyond.low, beyond.high, beyond.estimate) == (1.0, math.inf, None)
    assert beyond.is_above(0.5) is True
    assert beyond.is_above(1.0) is True
    assert beyond.is_above(2.0) is None


def test_buckets_from_two_scrapes() -> None:
    histogram = Histogram({"0.1": 50.0, "0.2": 49.9, "+Inf": 50.1}, "prometheus", "x")
    assert histogram.total == 50.1
    assert histogram.quantile(0.5).estimate == pytest.approx(0.0501, abs=0.001)


def test_bound_in_two_spellings_is_one_bucket() -> None:
    histogram = Histogram({"1": 40.0, "1.0": 50.0, "+Inf": 100.0}, "prometheus", "x")
    assert histogram.buckets == [(1.0, 90.0), (math.inf, 100.0)]


@pytest.mark.parametrize(
    "buckets", [{}, {"+Inf": 3.0}, {"0.1": 1.0, "0.2": 2.0}, {"": 1.0, "+Inf": 2.0}, {"NaN": 1.0, "+Inf": 2.0}]
)
def test_invalid_histogram_is_no_reading(buckets: dict[str, float]) -> None:
    with pytest.raises(NoReading) as caught:
        Histogram(buckets, "prometheus", "x_bucket")
    assert caught.value.kind == "malformed-histogram"
