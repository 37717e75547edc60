"""Series that appear, leave or never existed, in a real Prometheus."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_checks_lab.servers.prometheus import PASSWORD, Prometheus
from runbook_checks_lab.servers.timeseries import USER, Series, counting, steady, until
from runbook_checks_lab.servers.traffic import MetricsBehaviour
from tests.hostile.product import DEADLINE_S, Settings, check, outcomes

API = {"job": "shop", "instance": "api-1:80"}
NEW = {"job": "shop", "instance": "api-2:80"}
BORN_S = 120
AT_BIRTH = 400.0
LEFT_S = 25 * 60


def since(begin: float, value: Any) -> Any:
    return lambda at: value(at) if at >= begin else None


def traffic(name: str, now: float, target: dict[str, str], first: float, *, begin: float | None = None) -> list[Series]:
    """3,000 requests in five minutes, and errors whose counter appears two minutes ago with a value."""
    good, errors = counting(10.0), since(now - BORN_S, steady(first))
    good = good if begin is None else since(begin, good)
    return [
        Series(f"{name}_requests_total", good, {**target, "status": "200"}),
        Series(f"{name}_requests_total", errors, {**target, "status": "500"}),
    ]


def described(_: Any, now: float) -> Iterator[Series]:
    yield from traffic("born", now, API, AT_BIRTH)
    yield from traffic("born_at_zero", now, API, 0.0)
    # A target that Prometheus has never seen before, with errors of months.
    yield from traffic("discovered", now, API, 0.0)
    yield from traffic("discovered", now, NEW, 90_000.0, begin=now - BORN_S)
    # A new instance of a deploy, whose process has just begun.
    yield from traffic("deployed", now, API, 0.0)
    yield Series("deployed_requests_total", since(now - BORN_S, steady(AT_BIRTH)), {**DEPLOYED, "status": "500"})
    yield Series("process_start_time_seconds", since(now - BORN_S, steady(now - BORN_S - 20)), DEPLOYED)
    # An outage of the series itself: the counter is back as it was.
    gap = counting(5.0)
    yield from traffic("gap", now, API, 0.0)
    yield Series(
        "gap_requests_total",
        lambda at: None if now - 900 < at < now - BORN_S else gap(at),
        {**API, "status": "500", "path": "/old"},
    )
    up, down = steady(1.0), steady(0.0)
    yield Series("left_up", up, {"instance": "here"})
    yield Series("left_up", until(now - LEFT_S, down), {"instance": "removed"})
    yield Series("failing_up", lambda at: 0.0 if at > now - 600 else 1.0, {"instance": "here"})
    yield Series("failing_up", until(now - LEFT_S, up), {"instance": "removed"})
    for kind, left in (("ext4", 50.0), ("squashfs", 0.0), ("iso9660", 0.0), ("erofs", 0.0)):
        labels = {"instance": "host", "mountpoint": f"/{kind}", "fstype": kind}
        yield Series("disk_avail", steady(left), labels)
        yield Series("disk_size", steady(100.0), labels)
    yield Series("full_avail", steady(0.0), {"instance": "host", "mountpoint": "/", "fstype": "ext4"})
    yield Series("full_size", steady(100.0), {"instance": "host", "mountpoint": "/", "fstype": "ext4"})
    yield Series("connects_total", counting(10.0), API)


DEPLOYED = {"job": "shop", "instance": "api-3:80"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), MetricsBehaviour(), described)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(40)
    except OSError as missing:
        pytest.skip(f"Prometheus: {missing}")
    time.sleep(2.5)  # two scrapes
    yield server.url
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def errors(name: str) -> Settings:
    rates = {"requests": f"{name}_requests_total", "objective_percent": 1, "alert_percent": 5}
    return {"error_rate": rates}


def probes(name: str) -> Settings:
    return {
        "availability": {"probe": name, "objective_percent": 99.9, "alert_percent": 99, "window_days": 1},
        "rollback_when": {},
    }


def disk(name: str) -> Settings:
    return {"disk": {"available": f"{name}_avail", "size": f"{name}_size", "limit_percent": 90}}


def connections(**more: Any) -> Settings:
    rule = {"attempts": "connects_total", "failures": "connect_failures_total", "objective_percent": 99}
    return {"connections": rule | {"window_days": 0.05} | more}


CASES: dict[str, tuple[Settings, str, str]] = {
    "born": (errors("born"), "slo.error-rate", "found:over-alert"),
    "born-at-zero": (errors("born_at_zero"), "slo.error-rate", "clear"),
    "discovered": (errors("discovered"), "slo.error-rate", "clear"),
    "deployed": (errors("deployed"), "slo.error-rate", "found:over-alert"),
    "gap": (errors("gap"), "slo.error-rate", "found:over-alert"),
    "left": (probes("left_up"), "slo.availability", "clear"),
    "failing": (probes("failing_up"), "slo.availability", "found:over-alert"),
    "read-only": (disk("disk"), "capacity.disk", "clear"),
    "full": (disk("full"), "capacity.disk", "found:nearly-full"),
    "no-failures": (connections(no_failures_is_zero=True), "slo.database-availability", "clear"),
    "no-failures-counter": (connections(), "slo.database-availability", "unknown"),
    "no-attempts": (
        connections(no_failures_is_zero=True, attempts="nothing_total"), "slo.database-availability", "unknown",
    ),
}  # fmt: skip


def test_series_that_appear_or_leave(prometheus: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    server = {"url": prometheus, "login": {"user": USER, "password": {"env": "PROMETHEUS_PASSWORD"}}}
    systems: dict[str, Settings] = {}
    for name, (rule, symptom, _) in CASES.items():
        also = ", rollback.due: " if "rollback_when" in rule else ""
        (tmp_path / "run" / f"{name}.yaml").write_text(f"symptoms: {{{symptom}: {also}}}\n")
        systems[name] = {"runbook": f"{name}.yaml", "deadline_s": DEADLINE_S, "prometheus": {**server, **rule}}
    ran = check(tmp_path / "run", systems, "-m", "not health", variables={"PROMETHEUS_PASSWORD": PASSWORD})
    got = {name: outcomes(ran.of(name))[symptom] for name, (_, symptom, _) in CASES.items()}
    assert got == {name: wanted for name, (_, _, wanted) in CASES.items()}, ran.output()
    [born] = ran.of("born")["slo.error-rate"]["findings"]
    assert 10 < float(born["evidence"]["percent"].removesuffix(" %")) < 14, born
    [gap] = ran.of("gap")["slo.error-rate"]["findings"]
    assert float(gap["evidence"]["percent"].removesuffix(" %")) < 40, gap
    due = {name: ran.of(name)["rollback.due"] for name in ("left", "failing")}
    assert due["failing"]["outcome"] == "found", ran.output()
    assert due["left"]["outcome"] != "found", ran.output()
