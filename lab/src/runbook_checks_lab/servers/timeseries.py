"""What did a number do over time? Series as functions of time, so that history and present come from one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

USER = "monitor"  # who may read the metrics

HOURS_S, MONTH_S = 2 * 3600, 30 * 24 * 3600
HOURS = ((HOURS_S, 15),)
MONTHLY_GAUGE = ((MONTH_S, 60),)  # evenly, for its mean is that of its samples
MONTHLY_COUNTER = ((MONTH_S, 1800), *HOURS)

Value = Callable[[float], float | None]  # seconds since the epoch to the value then; None: no sample then


@dataclass(frozen=True)
class Series:
    """One series; its history goes back so many seconds in whole such steps, from the farthest part to the nearest."""

    name: str
    value: Value
    labels: Mapping[str, str] = field(default_factory=dict)
    history: tuple[tuple[int, int], ...] = HOURS

    def line(self, at: float, *, with_time: bool) -> str:
        """The sample in the text format, or nothing."""
        value = self.value(at)
        if value is None:
            return ""
        return f"{self._selector} {value:.10g} {at:.3f}\n" if with_time else f"{self._selector} {value:.10g}\n"

    def moments(self, now: float) -> Iterator[float]:
        """When it was sampled, in the order of time; the last one is just now."""
        until = (*(length for length, _ in self.history[1:]), -1)
        for (length, step), end in zip(self.history, until, strict=True):
            yield from (now - ago for ago in range(length, end, -step))

    @cached_property
    def _selector(self) -> str:
        labels = ",".join(f'{name}="{text}"' for name, text in self.labels.items())
        return f"{self.name}{{{labels}}}"


def counting(usual: float, lately: float | None = None, *, since: float = 0.0, restarted: float | None = None) -> Value:
    """A counter at so much a second, since some moment at another rate; set back to nothing at a restart."""
    recent = usual if lately is None else lately

    def total(at: float) -> float:
        return usual * (min(at, since) if since else at) + (recent * max(0.0, at - since) if since else 0.0)

    def value(at: float) -> float:
        begin = EPOCH if restarted is None or at < restarted else restarted
        return float(int(total(at) - total(begin)))

    return value


EPOCH = 1_700_000_000.0  # when the counters began


def steady(level: float, *, slope: float = 0.0, around: float = 0.0) -> Value:
    """A gauge at a level, or on its way through it at some moment."""
    return lambda at: level + slope * (at - around)


def up_except(downtimes: Iterable[tuple[float, float]]) -> Value:
    """1, and 0 from one moment to another."""
    intervals = tuple(downtimes)
    return lambda at: 0.0 if any(begin <= at < end for begin, end in intervals) else 1.0


def until(end: float, value: Value) -> Value:
    """Nothing any more after some moment."""
    return lambda at: value(at) if at <= end else None
