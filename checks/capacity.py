"""Checks of the capacity of hosts: disks, memory, processors."""

from __future__ import annotations

from collections.abc import Iterator

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.metrics import Labels, Metrics, name_of

HOUR_S = 3600
IMAGES = ("squashfs", "iso9660", "erofs", "cramfs", "romfs", "udf")  # written once, and always full


@symptom("capacity.disk")
def check_disks_have_room(metrics: Metrics) -> None:
    """A full disk stops the database, the log and the backup at once."""
    rule = metrics.said("disk", metrics.settings.disk)
    metrics.require(rule.available, rule.size)
    left, size = metrics.by_labels(rule.available), metrics.by_labels(rule.size)
    trend = metrics.by_labels(f"deriv({rule.available}[{rule.trend_h * HOUR_S:.0f}s])")
    known = [labels for labels in left if size.get(labels)]
    if not known:
        raise NoReading("prometheus", f"no series of {rule.size} has the labels of {rule.available}", kind="no-series")
    known = [labels for labels in known if dict(labels).get("fstype") not in IMAGES]
    Found.all(_crowded(metrics, known, left, size, trend))


def _crowded(
    metrics: Metrics,
    known: list[Labels],
    left: dict[Labels, float],
    size: dict[Labels, float],
    trend: dict[Labels, float],
) -> Iterator[Found]:
    rule = metrics.said("disk", metrics.settings.disk)
    for labels in known:
        used = 100 * (1 - left[labels] / size[labels])
        rate = -trend.get(labels, 0.0)
        full_h = left[labels] / rate / HOUR_S if rate > 0 else None
        is_filling = full_h is not None and full_h < rule.full_within_h
        if used <= rule.limit_percent and not is_filling:
            continue
        when = f"full in {full_h:.0f} h at the present rate" if full_h is not None else "not filling"
        where = name_of(labels, "instance", "mountpoint")
        yield Found(
            "nearly-full" if used > rule.limit_percent else "filling-fast",
            seen=f"{where} is {used:.0f} % full, {_size(left[labels])} left, {when}",
            wanted=f"at most {rule.limit_percent:g} %, and not full within {rule.full_within_h:g} h",
            subject=where,
            where=where,
            mountpoint=dict(labels).get("mountpoint", "its mount point"),
            used_percent=round(used, 1),
            left=_size(left[labels]),
            full_in=when,
            rate=f"{_size(max(0.0, rate) * HOUR_S)} an hour",
            limit_percent=rule.limit_percent,
        )


def _size(count: float) -> str:
    return f"{count / (1 << 30):.1f} GiB"


@symptom("capacity.memory")
def check_memory_is_left(metrics: Metrics) -> None:
    """When memory runs out, the kernel kills the largest process: the database or the service."""
    rule = metrics.said("memory", metrics.settings.memory)
    metrics.require(rule.available, rule.size)
    left = metrics.by_labels(f"avg_over_time({rule.available}[{metrics.window_s:.0f}s])")
    size = metrics.by_labels(rule.size)
    known = [labels for labels in left if size.get(labels)]
    if not known:
        raise NoReading("prometheus", f"no series of {rule.size} has the labels of {rule.available}", kind="no-series")
    percents = {labels: 100 * (1 - left[labels] / size[labels]) for labels in known}
    Found.all(
        Found(
            "nearly-full",
            seen=f"{name_of(labels, 'instance')} used {percent:.0f} % of {_size(size[labels])} in the last minutes",
            wanted=f"at most {rule.limit_percent:g} %",
            subject=name_of(labels, "instance"),
            where=name_of(labels, "instance"),
            used_percent=round(percent, 1),
            left=_size(left[labels]),
            limit_percent=rule.limit_percent,
        )
        for labels, percent in percents.items()
        if percent > rule.limit_percent
    )


@symptom("capacity.cpu")
def check_processors_keep_up(metrics: Metrics) -> None:
    """On a saturated host everything waits, and timeouts expire."""
    rule = metrics.said("cpu", metrics.settings.cpu)
    metrics.require(rule.idle)
    idle = metrics.by_labels(f"avg by (instance) (rate({rule.idle}[{metrics.window_s:.0f}s]))")
    if not idle:
        raise NoReading("prometheus", f"{rule.idle} has fewer than two samples in the window", kind="no-series")
    Found.all(
        Found(
            "saturated",
            seen=f"{name_of(labels, 'instance')} was {busy:.0f} % busy in the last {metrics.settings.window_min:g} min",
            wanted=f"at most {rule.limit_percent:g} %",
            subject=name_of(labels, "instance"),
            where=name_of(labels, "instance"),
            busy_percent=round(busy, 1),
            window_min=metrics.settings.window_min,
            limit_percent=rule.limit_percent,
        )
        for labels, busy in ((labels, 100 * (1 - share)) for labels, share in idle.items())
        if busy > rule.limit_percent
    )
