"""Checks of the service level objectives, by the system's own metrics."""

from __future__ import annotations

import pytest

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.burst import Burst
from runbook_checks.handles.metrics import Metrics, classes
from runbook_checks.probes.metrics.histogram import Quantile

DAY_S = 24 * 3600


@symptom("slo.error-rate")
def check_few_requests_fail(metrics: Metrics) -> None:
    """Each failed request is a customer who got an error."""
    rule = metrics.said("error_rate", metrics.settings.error_rate)
    counts = metrics.increases(rule.requests, rule.status_label)
    total = sum(counts.values())
    metrics.enough(total, "requests")
    by_class: dict[str, float] = {}
    for name, count in classes(counts):
        by_class[name] = by_class.get(name, 0.0) + count
    if not by_class.keys() - {"other"}:
        reason = f"no series of {rule.requests} has an HTTP status in its label {rule.status_label}"
        raise NoReading("prometheus", reason, kind="no-label")
    percents = {name: 100 * by_class.get(name, 0.0) / total for name in ("5xx", "4xx")}
    percent = sum(percents[name] for name in rule.counts)
    if percent <= rule.objective_percent:
        return
    is_alert = percent > rule.alert_percent
    limit = rule.alert_percent if is_alert else rule.objective_percent
    worst = max(percents, key=lambda name: percents[name] if name in rule.counts else -1.0)
    apart = ", ".join(f"{name} {_percent(value)}" for name, value in percents.items())
    raise Found(
        "over-alert" if is_alert else "over-objective",
        seen=f"{_percent(percent)} of {total:,.0f} requests failed in {metrics.settings.window_min:g} min: {apart}",
        wanted=f"at most {_percent(rule.objective_percent)}, and never above {_percent(rule.alert_percent)}",
        severity="P1" if is_alert else "P2",
        percent=_percent(percent),
        limit=_percent(limit),
        worst=worst,
        server_errors=_percent(percents["5xx"]),
        client_errors=_percent(percents["4xx"]),
        requests=round(total),
        window_min=metrics.settings.window_min,
        by_status={status or "none": round(count, 1) for status, count in sorted(counts.items())},
    )


@symptom("slo.latency")
def check_requests_are_quick(metrics: Metrics) -> None:
    """The slowest 5 % of requests annoy users, and the average hides them."""
    rule = metrics.said("latency", metrics.settings.latency)
    histogram = metrics.histogram(rule.buckets)
    metrics.enough(histogram.total, "requests")
    p95, p99 = histogram.quantile(0.95), histogram.quantile(0.99)
    is_alert = p95.is_above(rule.alert_p95_ms / 1000)
    missed = [p95.is_above(rule.p95_ms / 1000)]
    if rule.p99_ms is not None:
        missed.append(p99.is_above(rule.p99_ms / 1000))
    if not is_alert and True not in missed:
        if None in missed:
            reason = f"{rule.buckets} ends at {histogram.last_ms:g} ms, below an objective; the quantile is beyond"
            raise NoReading("prometheus", reason, kind="beyond-last-bucket")
        return
    wanted = f"P95 below {rule.p95_ms:g} ms" + (f", P99 below {rule.p99_ms:g} ms" if rule.p99_ms else "")
    raise Found(
        "over-alert" if is_alert else "over-objective",
        seen=f"P95 {_ms(p95)}, P99 {_ms(p99)} in {metrics.settings.window_min:g} min, {histogram.total:,.0f} requests",
        wanted=f"{wanted}; a P95 above {rule.alert_p95_ms:g} ms is an alert",
        severity="P1" if is_alert else "P2",
        p95=_ms(p95),
        p99=_ms(p99),
        limit_ms=rule.alert_p95_ms if is_alert else rule.p95_ms,
        requests=round(histogram.total),
        window_min=metrics.settings.window_min,
        buckets={f"{bound:g}": round(count, 1) for bound, count in histogram.buckets},
    )


@symptom("slo.availability")
def check_error_budget_is_left(metrics: Metrics) -> None:
    """The error budget limits the risk of further deploys."""
    rule = metrics.said("availability", metrics.settings.availability)
    metrics.require(rule.probe)
    window_s, alert_s = rule.window_days * DAY_S, rule.alert_window_min * 60
    down, down_lately = (_down(metrics, rule.probe, seconds) for seconds in (window_s, alert_s))
    # Prometheus may keep less than the window. The time before its oldest sample does not count as up.
    oldest = metrics.value(f"min(min_over_time(timestamp({rule.probe})[{window_s:.0f}s:1h]) and {rule.probe})")
    known_s = min(window_s, metrics.run.started - oldest)
    budget_min = (1 - rule.objective_percent / 100) * window_s / 60
    spent_min = down * known_s / 60
    is_alert = 100 * (1 - down_lately) < rule.alert_percent
    if not is_alert and spent_min < budget_min:
        return
    lately = f"{_percent(100 * (1 - down_lately))} in the last {rule.alert_window_min:g} min"
    raise Found(
        "over-alert" if is_alert else "budget-spent",
        seen=f"up {lately}; {spent_min:.1f} min down in {known_s / DAY_S:.1f} days, of a budget of {budget_min:.1f}",
        wanted=f"{rule.objective_percent:g} % in {rule.window_days:g} days, and never below {rule.alert_percent:g} %",
        severity="P0" if is_alert else "P2",
        lately=lately,
        spent_min=round(spent_min, 1),
        budget_min=round(budget_min, 1),
        left_min=round(budget_min - spent_min, 1),
        burn_rate=round(down_lately / (1 - rule.objective_percent / 100), 1),
        known_days=round(known_s / DAY_S, 1),
        window_days=rule.window_days,
        alert_percent=rule.alert_percent,
    )


def _down(metrics: Metrics, probe: str, seconds: float) -> float:
    """The share of failed probes, of the series that exist now: a target that was removed may have failed at last."""
    window = f"{probe}[{seconds:.0f}s]"
    up, all_of_them = f"sum(sum_over_time({window}) and {probe})", f"sum(count_over_time({window}) and {probe})"
    return 1 - metrics.value(f"{up} / {all_of_them}")


@symptom("slo.database-availability")
def check_connections_succeed(metrics: Metrics) -> None:
    """Without a connection to its database the service answers with an error."""
    rule = metrics.said("connections", metrics.settings.connections)
    window = f"{rule.window_days:g} days"
    attempts = metrics.increase(rule.attempts, rule.window_days * DAY_S)
    metrics.enough(attempts, "attempts to connect", window)
    failed = metrics.failures(rule, rule.window_days * DAY_S)
    percent = 100 * (1 - failed / attempts)
    if percent >= rule.objective_percent:
        return
    raise Found(
        "over-objective",
        seen=f"{_percent(percent)} of {attempts:,.0f} attempts to connect succeeded in {window}",
        wanted=f"{rule.objective_percent:g} % at least",
        percent=_percent(percent),
        failed=round(failed),
        attempts=round(attempts),
        window_days=rule.window_days,
        objective_percent=rule.objective_percent,
    )


@symptom("slo.execution-success")
def check_executions_are_completed(metrics: Metrics) -> None:
    """An execution that does not complete is a customer's workflow that stands still."""
    rule = metrics.said("executions", metrics.settings.executions)
    started = metrics.increase(rule.started)
    metrics.enough(started, "executions")
    completed = metrics.increase(rule.completed)
    percent = 100 * completed / started
    if percent >= rule.limit_percent:
        return
    raise Found(
        "low-success",
        seen=f"{completed:,.0f} of {started:,.0f} executions were completed in {metrics.settings.window_min:g} min",
        wanted=f"{rule.limit_percent:g} % at least",
        percent=_percent(percent),
        started=round(started),
        completed=round(completed),
        window_min=metrics.settings.window_min,
        limit_percent=rule.limit_percent,
    )


@symptom("slo.throughput", alone=True)
def check_burst_is_borne(burst: Burst) -> None:
    """Low traffic hides how many concurrent requests the service can handle."""
    rule = burst.settings
    if not burst.is_allowed:
        pytest.skip(f"{burst.run.environment.name} is production, and throughput.in_production is not set")
    facts = burst.fire()
    failed_percent = 100 * facts.failed / facts.answered if facts.answered else 100.0
    is_failing = failed_percent > rule.most_failed_percent
    if not is_failing and facts.per_s >= rule.requests_per_s:
        return
    if facts.limited and facts.failed - facts.limited <= facts.answered * rule.most_failed_percent / 100:
        share = f"{facts.limited} of {facts.answered} responses"
        reason = f"the service's rate limit took the burst for one caller: {share} were HTTP 429 (throughput)"
        raise NoReading("http", reason, kind="rate-limited")
    raise Found(
        "errors-under-load" if is_failing else "below-objective",
        seen=f"{facts.per_s:.0f} successes/s to {rule.connections} callers, {_percent(failed_percent)} failed,"
        f" P95 {facts.percentile_ms(0.95):.0f} ms, P99 {facts.percentile_ms(0.99):.0f} ms",
        wanted=f"{rule.requests_per_s:g}/s for {rule.seconds:g} s, at most {rule.most_failed_percent:g} % failed",
        path=rule.path,
        rate=round(facts.per_s),
        objective=rule.requests_per_s,
        failed_percent=_percent(failed_percent),
        p95_ms=round(facts.percentile_ms(0.95)),
        p99_ms=round(facts.percentile_ms(0.99)),
        callers=rule.connections,
        outcomes=dict(facts.outcomes),
    )


def _percent(value: float) -> str:
    """Two digits below 1 %, and enough above to distinguish 99.95 from 100."""
    return f"{value:.2g} %" if value < 1 else f"{value:.4g} %"


def _ms(quantile: Quantile) -> str:
    if quantile.estimate is None:
        return f"beyond {quantile.low * 1000:g} ms"
    return f"{quantile.estimate * 1000:.0f} ms"
