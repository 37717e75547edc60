"""Where in a histogram does a quantile lie? Prometheus' buckets are cumulative, and the last has no upper bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from runbook_checks.probes.core.reading import NoReading


@dataclass(frozen=True)
class Quantile:
    """It lies above `low` and up to `high` (s); `estimate` takes the bucket as evenly filled, None beyond the last."""

    low: float
    high: float
    estimate: float | None

    def is_above(self, limit: float) -> bool | None:
        """None where the histogram can't tell: it lies beyond the last finite bucket, and that one ends below."""
        if self.estimate is not None:
            return self.estimate > limit
        return True if self.low >= limit else None


class Histogram:
    """Counts by upper bound, as `sum by (le)` gives them."""

    def __init__(self, counts: Mapping[str, float], resource: str, name: str) -> None:
        """NoReading malformed-histogram where a bound is no number, or the bucket that holds all is missing."""
        merged: dict[float, float] = {}
        try:
            for text, count in counts.items():
                # Prometheus 3 writes "1.0" where "1" was before: for a while there are both.
                merged[float(text)] = merged.get(float(text), 0.0) + count
        except ValueError:
            merged.clear()
        pairs = sorted(merged.items())
        if len(pairs) < 2 or pairs[-1][0] != math.inf or any(math.isnan(bound) for bound, _ in pairs):
            raise NoReading(resource, f"{name} has no buckets by le up to +Inf", kind="malformed-histogram")
        self.buckets: list[tuple[float, float]] = []
        most = 0.0
        for bound, count in pairs:
            # Buckets are not scraped at one moment: rates of them may fall by a little.
            most = max(most, count)
            self.buckets.append((bound, most))

    @property
    def total(self) -> float:
        return self.buckets[-1][1]

    @property
    def last_ms(self) -> float:
        """Where the last bucket with an end ends."""
        return self.buckets[-2][0] * 1000

    def quantile(self, share: float) -> Quantile:
        """The quantile, of a histogram that holds something."""
        rank, low, before = share * self.total, 0.0, 0.0
        for high, count in self.buckets:
            if count >= rank and count > before:
                inside = (rank - before) / (count - before)
                return Quantile(low, high, None if math.isinf(high) else low + (high - low) * inside)
            low, before = high, count
        raise ValueError("an empty histogram has no quantiles")
