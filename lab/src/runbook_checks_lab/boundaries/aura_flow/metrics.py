"""Limits on Aura Flow's disk, memory, CPU, latency and error rate."""

from __future__ import annotations

from functools import partial

from runbook_checks_lab.aura_flow.metrics import DAY_S, DISK
from runbook_checks_lab.boundaries.aura_flow import boundary
from runbook_checks_lab.boundaries.states import rules
from runbook_checks_lab.faults.aura_flow.slo import metrics_of
from runbook_checks_lab.registry import as_fault
from runbook_checks_lab.servers.traffic import failing

MINUTE_S, HOUR_S = 60.0, 3600.0
metrics = partial(rules, metrics_of)

boundary("capacity.disk", "83-percent")(metrics(disk_used=0.83))
boundary("capacity.disk", "87-percent", "nearly-full")(metrics(disk_used=0.87))
boundary("capacity.disk", "full-in-27-h")(metrics(disk_used=0.7, disk_grows_a_second=DISK * 0.3 / (27 * HOUR_S)))
boundary("capacity.disk", "full-in-21-h", "filling-fast")(
    metrics(disk_used=0.7, disk_grows_a_second=DISK * 0.3 / (21 * HOUR_S))
)
boundary("capacity.memory", "88-percent")(metrics(memory_used=0.88))
boundary("capacity.memory", "92-percent", "nearly-full")(metrics(memory_used=0.92))
boundary("capacity.cpu", "86-percent")(metrics(busy=0.86))
boundary("capacity.cpu", "94-percent", "saturated")(metrics(busy=0.94))

# Normally 0.05 % of both kinds fail; the objective is 0.1 %, and from 1 % on the on-call engineer is paged.
boundary("slo.error-rate", "0.08-percent")(metrics(shares=failing(0.0003)))
boundary("slo.error-rate", "0.12-percent", "P2 over-objective")(metrics(shares=failing(0.0007)))
boundary("slo.error-rate", "0.85-percent", "P2 over-objective")(metrics(shares=failing(0.008)))
boundary("slo.error-rate", "1.15-percent", "P1 over-alert")(metrics(shares=failing(0.011)))
boundary("slo.error-rate", "1.15-percent-4xx", "P1 over-alert")(metrics(shares=failing(0.011, "404")))
boundary("slo.error-rate", "4xx-do-not-count", settings={"prometheus.error_rate.counts": ["5xx"]})(
    metrics(shares=failing(0.011, "404"))
)

# With this distribution P95 is 3 times the mean, and P99 is 4.5 times the mean.
boundary("slo.latency", "p95-180-ms")(metrics(mean_s=0.06))
boundary("slo.latency", "p95-225-ms", "P2 over-objective")(metrics(mean_s=0.075))
boundary("slo.latency", "p99-alone", "P2 over-objective", settings={"prometheus.latency.p99_ms": 250})(
    metrics(mean_s=0.06)
)
boundary("slo.latency", "no-objective-for-p99", settings={"prometheus.latency.p99_ms": 5000})(metrics(mean_s=0.06))
boundary("slo.latency", "p95-470-ms", "P2 over-objective")(metrics(mean_s=0.157))
boundary("slo.latency", "p95-540-ms", "P1 over-alert")(metrics(mean_s=0.18))

# 99.9 % of a month leaves 43 minutes.
boundary("slo.availability", "40-min-of-43")(metrics(downtimes=((6 * DAY_S, 40 * MINUTE_S),)))
boundary("slo.availability", "47-min-of-43", "P2 budget-spent")(metrics(downtimes=((6 * DAY_S, 47 * MINUTE_S),)))
boundary("slo.availability", "2-min-of-the-hour", settings={"prometheus.availability.alert_percent": 95})(
    metrics(downtimes=((2400.0, 2 * MINUTE_S),))
)
boundary(
    "slo.availability", "4-min-of-the-hour", "P0 over-alert", settings={"prometheus.availability.alert_percent": 95}
)(metrics(downtimes=((2400.0, 4 * MINUTE_S),)))
boundary("slo.database-availability", "0.04-percent-fail")(metrics(failing_connections=0.0004, failing_lately=0.0004))
boundary("slo.database-availability", "0.06-percent-fail", "over-objective")(
    metrics(failing_connections=0.0006, failing_lately=0.0006)
)

boundary("rollback.due", "4.5-percent-fail")(metrics(shares=failing(0.045)))
boundary("rollback.due", "5.5-percent-fail", "error-rate")(metrics(shares=failing(0.055)))
# For five minutes, sampled every minute.
boundary("rollback.due", "20-percent-fail-since-3-min")(metrics(shares=failing(0.2), lately_s=3 * MINUTE_S))
boundary("rollback.due", "8-percent-fail-since-7-min", "error-rate")(
    metrics(shares=failing(0.08), lately_s=7 * MINUTE_S)
)
boundary("rollback.due", "p95-1.9-s")(metrics(mean_s=0.63))
boundary("rollback.due", "p95-2.2-s", "latency")(metrics(mean_s=0.73))
boundary("rollback.due", "9-percent-of-connections-fail")(metrics(failing_lately=0.09))
boundary("rollback.due", "11-percent-of-connections-fail", "database-connections")(metrics(failing_lately=0.11))

# The limit on the share of requests rejected by the rate limiter.
boundary("slo.throughput", "most-may-fail", "below-objective", settings={"throughput.most_failed_percent": 99.9})(
    as_fault("slo.throughput:errors-under-load", "aura-flow")
)
