"""Query a system's Prometheus, everything as of the moment the run began."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config import capabilities
    from runbook_checks.config.capabilities.prometheus import Connections
    from runbook_checks.probes.metrics.histogram import Histogram
    from runbook_checks.probes.metrics.prometheus import Series

Part = TypeVar("Part")
Labels = tuple[tuple[str, str], ...]


class Metrics(Handle):
    """The series of a system. What the suite itself causes lies after the windows' end."""

    needs = ("prometheus",)
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Prometheus

    def said(self, name: str, part: Part | None) -> Part:
        """A part of the settings that a runbook may leave out."""
        if part is None:
            raise NoReading("prometheus", f"prometheus.{name} is not configured in the runbook", kind="no-source")
        return part

    @property
    def window_s(self) -> float:
        return self.settings.window_min * 60

    def ask(self, query: str, earlier_s: float = 0.0) -> list[Series]:
        """The vector of an expression, now or `earlier_s` before."""
        return self.bound.prometheus.instant(query, self.run.started - earlier_s)

    def value(self, query: str, earlier_s: float = 0.0) -> float:
        """The one value of an expression that must have one."""
        found = self.ask(query, earlier_s)
        if len(found) != 1:
            raise NoReading("prometheus", f"{query} has {len(found)} values where one is due", kind="no-series")
        return found[0].value

    def require(self, *selectors: str) -> None:
        """NoReading unless each selector has a series with a recent sample: an empty sum proves nothing."""
        for selector in selectors:
            newest = self.ask(f"max(timestamp({selector}))")
            if not newest:
                raise NoReading("prometheus", f"there is no series {selector}", kind="no-series")
            age_s = self.run.started - newest[0].value
            if age_s > self.settings.max_age_s:
                reason = f"the newest sample of {selector} is {age_s:.0f} s old"
                raise NoReading("prometheus", reason, kind="stale", evidence={"age_s": round(age_s)})

    def increase(self, selector: str, window_s: float | None = None) -> float:
        """The growth of counters together; each is taken by itself first, so that a restart does not count."""
        self.require(selector)
        return self.value(f"sum({growth(selector, window_s or self.window_s)})")

    def failures(self, rule: Connections, window_s: float | None = None) -> float:
        """The growth of the counter of failed connections. It may not exist before the first failure."""
        try:
            return self.increase(rule.failures, window_s)
        except NoReading as missing:
            if missing.kind == "no-series" and rule.no_failures_is_zero:
                return 0.0
            raise

    def increases(self, selector: str, label: str) -> dict[str, float]:
        """The growth by a label; '' stands for series without it."""
        self.require(selector)
        query = f"sum by ({label}) ({growth(selector, self.window_s)})"
        return {series.labels.get(label, ""): series.value for series in self.ask(query)}

    def histogram(self, selector: str) -> Histogram:
        """The growth of the buckets in the window."""
        from runbook_checks.probes.metrics.histogram import Histogram

        return Histogram(self.increases(selector, "le"), "prometheus", selector)

    def by_labels(self, query: str) -> dict[Labels, float]:
        """A vector by its labels without the metric's name, so that two vectors can be compared."""
        found = self.ask(query)
        return {tuple(sorted((k, v) for k, v in s.labels.items() if k != "__name__")): s.value for s in found}

    def steps(self, query: str, begin: float, end: float, step_s: float) -> list[Series]:
        """The values of an expression, step by step."""
        return self.bound.prometheus.over(query, begin, end, step_s)

    def enough(self, count: float, what: str, window: str = "") -> None:
        """Skip the check where there are too few to judge a share."""
        if count < self.settings.least:
            window = window or f"{self.settings.window_min:g} min"
            pytest.skip(f"{count:.0f} {what} in {window}: with fewer than {self.settings.least} a share is not judged")


def growth(selector: str, window_s: float) -> str:
    """PromQL for the growth of each counter in a window, with the first value of a counter that appeared in it.

    increase() counts from a counter's first sample, so that errors before that sample are lost:
    https://github.com/prometheus/prometheus/issues/1673. The first value counts where the target was known before the
    window or its process began in it: a target that Prometheus scrapes for the first time may have counted for months.
    """
    window = f"{window_s:.0f}s"
    before = f"max_over_time({selector}[1d] offset {window})"
    is_new = f"process_start_time_seconds > time() - {window_s:.0f}"
    known = f"max by (job, instance) ({before}) or max by (job, instance) ({is_new})"
    first = f"(min_over_time({selector}[{window}]) unless {before}) and on (job, instance) ({known})"
    return f'increase({selector}[{window}]) or label_replace({first}, "first_value", "1", "", "")'


def name_of(labels: Labels, *wanted: str) -> str:
    """The values of these labels, which identify one of several."""
    found = dict(labels)
    return " ".join(found[name] for name in wanted if found.get(name)) or "unnamed"


def classes(by_status: dict[str, float]) -> Iterator[tuple[str, float]]:
    """Counts by class of status: 1xx to 5xx, or 'other'."""
    for status, count in by_status.items():
        is_known = len(status) == 3 and status[0] in "12345" and (status[1:].isdigit() or status[1:] == "xx")
        yield (f"{status[0]}xx" if is_known else "other"), count
