"""ReverseAI's metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runbook_checks_lab.servers.timeseries import Series, counting
from runbook_checks_lab.servers.traffic import LATELY_S, MetricsBehaviour, exported, traffic

EXECUTIONS_A_SECOND = 4.0
USUALLY_COMPLETED = 0.985
ANONYMOUS_A_SECOND = 0.4


@dataclass
class ReverseMetrics(MetricsBehaviour):
    completed: float = USUALLY_COMPLETED  # share of the executions started, recently
    anonymous: float = ANONYMOUS_A_SECOND  # anonymous requests a second, recently


def series(behaviour: ReverseMetrics, now: float) -> Iterator[Series]:
    yield from exported(_all(behaviour, now), behaviour, now)


def _all(behaviour: ReverseMetrics, now: float) -> Iterator[Series]:
    yield from traffic(behaviour, now, job="reverseai-api", instance="api-1:3000")
    runtime = {"job": "reverseai-runtime", "instance": "runtime-1:3000"}
    usual, lately = (EXECUTIONS_A_SECOND * share for share in (USUALLY_COMPLETED, behaviour.completed))
    yield Series("execution_started_total", counting(EXECUTIONS_A_SECOND), runtime)
    yield Series("execution_completed_total", counting(usual, lately, since=now - LATELY_S), runtime)
    anonymous = counting(ANONYMOUS_A_SECOND, behaviour.anonymous, since=now - LATELY_S)
    yield Series("anonymous_requests_total", anonymous, {"job": "reverseai-api", "instance": "api-1:3000"})
