"""Metrics of an HTTP service, in normal operation and during a fault."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from runbook_checks_lab.servers.timeseries import USER, Series, Value, counting, until

LATELY_S = 20 * 60  # a fault has been active for this long
BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0)
USUAL_SHARES = {"200": 0.93, "204": 0.03, "304": 0.0395, "404": 0.0003, "500": 0.0002}
USUAL_MEAN_S = 0.03


@dataclass
class MetricsBehaviour:
    is_running: bool = True
    login: str = USER  # the account that may read
    requests_a_second: float = 40.0
    shares: dict[str, float] | None = None  # of requests by status, recently
    mean_s: float = USUAL_MEAN_S  # of a request's duration, recently
    lately_s: float = LATELY_S  # the length of that recent time
    bounds_s: tuple[float, ...] = BOUNDS_S
    restarted_ago_s: float | None = None
    ended_ago_s: float | None = None  # when the target was last scraped
    absent: tuple[str, ...] = ()  # metrics that are not exported


def failing(share: float, status: str = "500") -> dict[str, float]:
    """Return shares by status with this share failing and the rest as usual."""
    return {**USUAL_SHARES, "200": USUAL_SHARES["200"] - share, status: USUAL_SHARES[status] + share}


def traffic(behaviour: MetricsBehaviour, now: float, **labels: str) -> Iterator[Series]:
    """Yield requests by status, and their durations, which are exponentially distributed."""
    since, rate = now - behaviour.lately_s, behaviour.requests_a_second
    restarted = None if behaviour.restarted_ago_s is None else now - behaviour.restarted_ago_s

    def counter(usual: float, lately: float) -> Value:
        return counting(rate * usual, rate * lately, since=since, restarted=restarted)

    for status, usual in USUAL_SHARES.items():
        lately = (behaviour.shares or USUAL_SHARES)[status]
        yield Series("http_requests_total", counter(usual, lately), {**labels, "method": "GET", "status": status})
    for bound in (*behaviour.bounds_s, math.inf):
        usual, lately = (1 - math.exp(-bound / mean) for mean in (USUAL_MEAN_S, behaviour.mean_s))
        bounded = {**labels, "le": "+Inf" if math.isinf(bound) else f"{bound:g}"}
        yield Series("http_request_duration_seconds_bucket", counter(usual, lately), bounded)


def exported(series: Iterable[Series], behaviour: MetricsBehaviour, now: float) -> Iterator[Series]:
    """Yield the series that are exported, up to the last scrape of the target."""
    for one in series:
        if one.name in behaviour.absent:
            continue
        ended = behaviour.ended_ago_s
        yield one if ended is None else replace(one, value=until(now - ended, one.value))
