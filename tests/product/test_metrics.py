"""Metrics that only look alarming cause no finding, and Prometheus itself computes the same numbers."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.harness import LabClient, describe

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEMS = {"aura-flow": "AF", "reverseai": "REVERSE"}
LATENCY = "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))"


@pytest.mark.parametrize("system", SYSTEMS)
def test_restarted_target_raises_no_alarm(lab_of: Callable[[str], LabClient], system: str) -> None:
    lab = lab_of(system)
    with lab.outage("metrics-target-restarted"):
        ran = lab.check("-m", "slo or rollback")
    for symptom in ("slo.error-rate", "slo.latency"):
        assert ran.results[symptom]["outcome"] == "clear", describe(ran)


@pytest.mark.parametrize("system", SYSTEMS)
def test_few_requests_are_not_judged(lab_of: Callable[[str], LabClient], system: str) -> None:
    lab = lab_of(system)
    with lab.outage("metrics-little-traffic"):
        ran = lab.check("-m", "slo")
    for symptom in ("slo.error-rate", "slo.latency"):
        assert ran.results[symptom]["outcome"] == "skipped", describe(ran)
        assert "fewer than 100" in ran.results[symptom]["reason"]


@pytest.mark.parametrize(("system", "prefix"), SYSTEMS.items())
def test_p95_is_the_one_that_prometheus_computes(lab_of: Callable[[str], LabClient], system: str, prefix: str) -> None:
    lab = lab_of(system)
    with lab.fault("slo.latency:over-alert"):
        ran = lab.check("-m", "slo")
        theirs = 1000 * _queried(lab, prefix, LATENCY)
    [finding] = ran.results["slo.latency"]["findings"]
    ours = float(finding["evidence"]["p95"].removesuffix(" ms"))
    assert ours == pytest.approx(theirs, rel=0.05), describe(ran)


def _queried(lab: LabClient, prefix: str, query: str) -> float:
    """Return the value from the HTTP API, without code of the product."""
    names = [f"LAB_{prefix}_PROMETHEUS_{name}" for name in ("URL", "USER", "PASSWORD")]
    url, user, password = (lab.variables[name] for name in names)
    manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
    manager.add_password(None, url, user, password, is_authenticated=True)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager), urllib.request.ProxyHandler({}))
    parameters = urllib.parse.urlencode({"query": query, "time": time.time()})
    document = json.loads(opener.open(f"{url}/api/v1/query?{parameters}", timeout=10).read())
    return float(document["data"]["result"][0]["value"][1])


def test_password_is_in_no_report(lab_of: Callable[[str], LabClient]) -> None:
    lab = lab_of("aura-flow")
    with lab.outage("prometheus-login-refused"):
        ran = lab.check("-m", "slo")
    assert ran.folder is not None
    said = ran.output() + "".join(path.read_text() for path in ran.folder.rglob("*.json"))
    assert lab.variables["LAB_AF_PROMETHEUS_PASSWORD"] not in said
    assert "HTTP 401" in said
