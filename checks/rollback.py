"""Checks of a rollback: its triggers, and whether it is possible."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.host import WayBack
from runbook_checks.handles.metrics import Metrics, classes, growth
from runbook_checks.probes.metrics.histogram import Histogram

STEP_S = 60
WINDOW_S = 2 * STEP_S  # so that a scrape interval of up to a minute has two samples in it


@symptom("rollback.due")
def check_no_trigger_is_pulled(metrics: Metrics) -> None:
    """Four triggers decide that a release has to be rolled back."""
    found: list[Found] = []
    unread: list[NoReading] = []
    for trigger in (_health, _error_rate, _latency, _connections):
        try:
            found += trigger(metrics)
        except NoReading as gone:
            unread.append(gone)
    Found.all(found)
    if unread:
        raise unread[0]


def _health(metrics: Metrics) -> Iterator[Found]:
    """More failed probes in a row than allowed, up to now."""
    rule = metrics.said("availability", metrics.settings.availability)
    most = metrics.said("rollback_when", metrics.settings.rollback_when).health_failures
    metrics.require(rule.probe)
    for series in metrics.ask(f"{rule.probe}[{rule.alert_window_min * 60:.0f}s]"):
        if metrics.run.started - series.points[-1][0] > metrics.settings.max_age_s:
            continue  # a target that was removed
        values = [value for _, value in series.points]
        failures = next((n for n, value in enumerate(reversed(values)) if value > 0), len(values))
        if failures > most:
            began = series.points[-failures][0]
            yield Found(
                "health-failing",
                seen=f"the last {failures} probes of {series.labels.get('instance', 'the service')} failed",
                wanted=f"{most} in a row at most",
                failures=failures,
                allowed=most,
                minutes=round((metrics.run.started - began) / 60, 1),
            )


def _error_rate(metrics: Metrics) -> Iterator[Found]:
    """The error rate is above the limit in every step."""
    rule = metrics.said("error_rate", metrics.settings.error_rate)
    limits = metrics.said("rollback_when", metrics.settings.rollback_when)
    metrics.require(rule.requests)
    query = f"sum by ({rule.status_label}) ({growth(rule.requests, WINDOW_S)})"
    percents = []
    for counts in _steps(metrics, query, rule.status_label, limits.error_for_min):
        total = sum(counts.values())
        failed = sum(count for name, count in classes(counts) if name in rule.counts)
        percents.append(100 * failed / total if total >= metrics.settings.least else 0.0)
    if percents and min(percents) > limits.error_percent:
        yield Found(
            "error-rate",
            seen=f"{min(percents):.1f} % of requests or more failed throughout the last {limits.error_for_min:g} min",
            wanted=f"never above {limits.error_percent:g} % for {limits.error_for_min:g} min",
            least_percent=round(min(percents), 1),
            worst_percent=round(max(percents), 1),
            limit_percent=limits.error_percent,
            minutes=limits.error_for_min,
            steps=[round(percent, 1) for percent in percents],
        )


def _latency(metrics: Metrics) -> Iterator[Found]:
    """P95 is above the limit in every step."""
    rule = metrics.said("latency", metrics.settings.latency)
    limits = metrics.said("rollback_when", metrics.settings.rollback_when)
    metrics.require(rule.buckets)
    query = f"sum by (le) ({growth(rule.buckets, WINDOW_S)})"
    limit_s = limits.p95_ms / 1000
    lowest = math.inf
    steps = list(_steps(metrics, query, "le", limits.p95_for_min))
    for counts in steps:
        histogram = Histogram(counts, "prometheus", rule.buckets)
        if histogram.total < metrics.settings.least:
            return
        p95 = histogram.quantile(0.95)
        if p95.is_above(limit_s) is None:
            reason = f"{rule.buckets} ends at {histogram.last_ms:g} ms, below {limits.p95_ms:g} ms; P95 is beyond it"
            raise NoReading("prometheus", reason, kind="beyond-last-bucket")
        lowest = min(lowest, p95.low if p95.estimate is None else p95.estimate)
        if not p95.is_above(limit_s):
            return
    if steps:
        yield Found(
            "latency",
            seen=f"P95 was {lowest * 1000:.0f} ms or more throughout the last {limits.p95_for_min:g} min",
            wanted=f"never above {limits.p95_ms:g} ms for {limits.p95_for_min:g} min",
            least_ms=round(lowest * 1000),
            limit_ms=limits.p95_ms,
            minutes=limits.p95_for_min,
        )


def _connections(metrics: Metrics) -> Iterator[Found]:
    """The share of attempts that failed in the window."""
    rule = metrics.said("connections", metrics.settings.connections)
    limit = metrics.said("rollback_when", metrics.settings.rollback_when).connections_percent
    attempts = metrics.increase(rule.attempts)
    failed = metrics.failures(rule)
    if attempts < metrics.settings.least:
        return
    percent = 100 * failed / attempts
    if percent > limit:
        yield Found(
            "database-connections",
            seen=f"{percent:.1f} % of {attempts:,.0f} attempts to connect to the database failed"
            f" in {metrics.settings.window_min:g} min",
            wanted=f"{limit:g} % at most",
            percent=round(percent, 1),
            limit_percent=limit,
            failed=round(failed),
            attempts=round(attempts),
            window_min=metrics.settings.window_min,
        )


def _steps(metrics: Metrics, query: str, label: str, minutes: float) -> Iterator[dict[str, float]]:
    """The values of each step by a label, all within the last minutes; NoReading where a step has none."""
    end = metrics.run.started
    begin = end - max(minutes * 60 - WINDOW_S, 0)
    by_time: dict[float, dict[str, float]] = {}
    for series in metrics.steps(query, begin, end, STEP_S):
        for at, value in series.points:
            by_time.setdefault(at, {})[series.labels.get(label, "")] = value
    due = int((end - begin) // STEP_S) + 1
    if len(by_time) < due:
        raise NoReading("prometheus", f"{query} has {len(by_time)} of {due} steps: there is a gap", kind="gap")
    yield from (by_time[at] for at in sorted(by_time))


@symptom("rollback.not-possible")
def check_rollback_is_possible(way_back: WayBack) -> None:
    """A rollback that is not prepared fails when it is needed."""
    needed = way_back.needed()
    if not needed and way_back.image is None:
        pytest.skip("rollback has neither artefact, image, configuration nor script")
    found = []
    if way_back.image is not None and way_back.digest() is None:
        seen = f"the registry has no {way_back.image}"
        found.append(_missing("artefact", seen, way_back.image))
    for what, path in needed.items():
        facts = way_back.look_at(path)
        seen = f"there is no {path}" if facts is None else f"{path} is empty" if not facts.size else ""
        if not seen and what == "script" and facts is not None and not facts.is_executable:
            seen = f"{path} is not executable"
        if seen:
            found.append(_missing(what, seen, str(path)))
    Found.all(found)


def _missing(what: str, seen: str, path: str) -> Found:
    wanted = "an executable script" if what == "script" else f"the previous {what}"
    return Found(f"{what}-missing", seen=seen, wanted=wanted, subject=path, path=path)
