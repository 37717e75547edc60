"""Series as functions of time, so that history and present have one source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

USER = "monitor"  # the account that may read the metrics

HOURS_S, MONTH_S = 2 * 3600, 30 * 24 * 3600
HOURS = ((HOURS_S, 15),)
MONTHLY_GAUGE = ((MONTH_S, 60),)  # evenly spaced, because its mean is the mean of its samples
MONTHLY_COUNTER = ((MONTH_S, 1800), *HOURS)

Value = Callable[[float], float | None]  # seconds since the epoch to the value at that time; None: no sample


@dataclass(frozen=True)
class Series:
    """One series. Its history consists of parts (length in seconds, step), from the oldest to the newest."""

    name: str
    value: Value
    labels: Mapping[str, str] = field(default_factory=dict)
    history: tuple[tuple[int, int], ...] = HOURS

    def line(self, at: float, *, with_time: bool) -> str:
        """Return the sample in the text format, or an empty string."""
        value = self.value(at)
        if value is None:
            return ""
        return f"{self._selector} {value:.10g} {at:.3f}\n" if with_time else f"{self._selector} {value:.10g}\n"

    def moments(self, now: float) -> Iterator[float]:
        """Yield the sampling times in order; the last is a moment ago."""
        until = (*(length for length, _ in self.history[1:]), -1)
        for (length, step), end in zip(self.history, until, strict=True):
            yield from (now - ago for ago in range(length, end, -step))

    @cached_property
    def _selector(self) -> str:
        labels = ",".join(f'{name}="{text}"' for name, text in self.labels.items())
        return f"{self.name}{{{labels}}}"


def counting(usual: float, lately: float | None = None, *, since: float = 0.0, restarted: float | None = None) -> Value:
    """Return a counter with a rate a second, another rate since a time, and a reset to zero at a restart."""
    recent = usual if lately is None else lately

    def total(at: float) -> float:
        return usual * (min(at, since) if since else at) + (recent * max(0.0, at - since) if since else 0.0)

    def value(at: float) -> float:
        begin = EPOCH if restarted is None or at < restarted else restarted
        return float(int(total(at) - total(begin)))

    return value


EPOCH = 1_700_000_000.0  # when the counters began


def steady(level: float, *, slope: float = 0.0, around: float = 0.0) -> Value:
    """Return a gauge at a level, or with a slope through that level at a time."""
    return lambda at: level + slope * (at - around)


def up_except(downtimes: Iterable[tuple[float, float]]) -> Value:
    """Return 1, and 0 during the downtimes."""
    intervals = tuple(downtimes)
    return lambda at: 0.0 if any(begin <= at < end for begin, end in intervals) else 1.0


def until(end: float, value: Value) -> Value:
    """Return no value after a time."""
    return lambda at: value(at) if at <= end else None
