"""Aura Flow's metrics: requests, external probes, database connections, host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from runbook_checks_lab.servers.timeseries import MONTHLY_COUNTER, MONTHLY_GAUGE, Series, counting, steady, up_except
from runbook_checks_lab.servers.traffic import LATELY_S, MetricsBehaviour, exported, traffic

DAY_S = 24 * 3600
GIB = float(1 << 30)
DISK, MEMORY = 100 * GIB, 16 * GIB
CONNECTIONS_A_SECOND = 3.0
FOR_EVER_S = 10 * 365 * DAY_S
BACKEND = {"job": "aura-flow", "instance": "backend-1:3001"}
HOST = {"job": "node", "instance": "host-1:9100"}


@dataclass
class AuraMetrics(MetricsBehaviour):
    downtimes: tuple[tuple[float, float], ...] = ((12 * DAY_S, 600.0),)  # each: seconds ago, length in seconds
    failing_connections: float = 0.00005  # share of the month's connections
    failing_lately: float = 0.00005
    disk_used: float = 0.41
    disk_grows_a_second: float = 1000.0  # bytes
    memory_used: float = 0.55
    busy: float = 0.2
    disks: tuple[str, ...] = field(default=("/", "/var/lib/postgresql"))


def series(behaviour: AuraMetrics, now: float) -> Iterator[Series]:
    yield from exported(_all(behaviour, now), behaviour, now)


def _all(behaviour: AuraMetrics, now: float) -> Iterator[Series]:
    yield from traffic(behaviour, now, **BACKEND)
    downtimes = [(now - ago, now - ago + length) for ago, length in behaviour.downtimes]
    probe = {"job": "blackbox", "instance": "https://aura.lab.test/health"}
    yield Series("probe_success", up_except(downtimes), probe, MONTHLY_GAUGE)
    yield from _connections(behaviour, now)
    yield from _host(behaviour, now)


def _connections(behaviour: AuraMetrics, now: float) -> Iterator[Series]:
    usual, lately = (
        CONNECTIONS_A_SECOND * share for share in (behaviour.failing_connections, behaviour.failing_lately)
    )
    yield Series("db_connection_attempts_total", counting(CONNECTIONS_A_SECOND), BACKEND, MONTHLY_COUNTER)
    failures = counting(usual, lately, since=now - LATELY_S)
    yield Series("db_connection_failures_total", failures, BACKEND, MONTHLY_COUNTER)


def _host(behaviour: AuraMetrics, now: float) -> Iterator[Series]:
    left = DISK * (1 - behaviour.disk_used)
    for mountpoint in behaviour.disks:
        labels = {**HOST, "mountpoint": mountpoint, "fstype": "ext4", "device": f"/dev/vd{len(mountpoint)}"}
        grows = behaviour.disk_grows_a_second if mountpoint != "/" else 0.0
        level = left if mountpoint != "/" else DISK / 2
        yield Series("node_filesystem_avail_bytes", steady(level, slope=-grows, around=now), labels)
        yield Series("node_filesystem_size_bytes", steady(DISK), labels)
    yield Series("node_memory_MemAvailable_bytes", steady(MEMORY * (1 - behaviour.memory_used)), HOST)
    yield Series("node_memory_MemTotal_bytes", steady(MEMORY), HOST)
    for cpu in ("0", "1"):
        for mode, share in (("idle", 1 - behaviour.busy), ("user", behaviour.busy)):
            labels = {**HOST, "cpu": cpu, "mode": mode}
            yield Series("node_cpu_seconds_total", counting(share), labels)
