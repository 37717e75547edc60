"""Estimate quantiles of a Prometheus histogram. Its buckets are cumulative, and the last has no upper bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from runbook_checks.probes.core.reading import NoReading


@dataclass(frozen=True)
class Quantile:
    """A value above `low` and up to `high` (s). `estimate` assumes an evenly filled bucket; None beyond the last."""

    low: float
    high: float
    estimate: float | None

    def is_above(self, limit: float) -> bool | None:
        """None where it is not known: the value is beyond the last finite bucket, which ends below the limit."""
        if self.estimate is not None:
            return self.estimate > limit
        return True if self.low >= limit else None


class Histogram:
    """Counts by upper bound, as `sum by (le)` gives them."""

    def __init__(self, counts: Mapping[str, float], resource: str, name: str) -> None:
        """NoReading malformed-histogram where a bound is not a number, or the bucket +Inf is missing."""
        merged: dict[float, float] = {}
        try:
            for text, count in counts.items():
                # Prometheus 3 writes "1.0" where "1" was before: for some time both exist.
                merged[float(text)] = merged.get(float(text), 0.0) + count
        except ValueError:
            merged.clear()
        pairs = sorted(merged.items())
        if len(pairs) < 2 or pairs[-1][0] != math.inf or any(math.isnan(bound) for bound, _ in pairs):
            raise NoReading(resource, f"{name} has no buckets by le up to +Inf", kind="malformed-histogram")
        self.buckets: list[tuple[float, float]] = []
        most = 0.0
        for bound, count in pairs:
            # Buckets are not scraped at one moment: their rates may decrease slightly.
            most = max(most, count)
            self.buckets.append((bound, most))

    @property
    def total(self) -> float:
        return self.buckets[-1][1]

    @property
    def last_ms(self) -> float:
        """The upper bound of the last finite bucket."""
        return self.buckets[-2][0] * 1000

    def quantile(self, share: float) -> Quantile:
        """The quantile of a histogram that is not empty."""
        rank, low, before = share * self.total, 0.0, 0.0
        for high, count in self.buckets:
            if count >= rank and count > before:
                inside = (rank - before) / (count - before)
                return Quantile(low, high, None if math.isinf(high) else low + (high - low) * inside)
            low, before = high, count
        raise ValueError("an empty histogram has no quantiles")
