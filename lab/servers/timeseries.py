"""What did a number do over time? Series as functions of time, so that history and present come from one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

USER = "monitor"  # who may read the metrics

Value = Callable[[float], float | None]  # seconds since the epoch to the value then; None: no sample then


@dataclass(frozen=True)
class Series:
    """One series; `is_monthly` ones have a coarse history of a month, others a fine one of two hours."""

    name: str
    value: Value
    labels: Mapping[str, str] = field(default_factory=dict)
    is_monthly: bool = False

    def line(self, at: float, *, with_time: bool) -> str:
        """The sample in the text format, or nothing."""
        value = self.value(at)
        if value is None:
            return ""
        labels = ",".join(f'{name}="{text}"' for name, text in self.labels.items())
        return f"{self.name}{{{labels}}} {value:.10g}" + (f" {at:.3f}\n" if with_time else "\n")


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


def up_except(outages: Iterable[tuple[float, float]]) -> Value:
    """1, and 0 from one moment to another."""
    intervals = tuple(outages)
    return lambda at: 0.0 if any(begin <= at < end for begin, end in intervals) else 1.0


def until(end: float, value: Value) -> Value:
    """Nothing any more after some moment."""
    return lambda at: value(at) if at <= end else None
