"""Quantiles of a histogram, and histograms that do not determine one."""

from __future__ import annotations

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.metrics.histogram import Histogram, Quantile


def histogram(**counts: float) -> Histogram:
    """Return buckets by upper bound, written as keywords: b0_1=5 for le="0.1"."""
    bounds = {name[1:].replace("_", "."): count for name, count in counts.items()}
    return Histogram({("+Inf" if bound == "inf" else bound): count for bound, count in bounds.items()}, "x", "requests")


def lies(one: Histogram, share: float) -> tuple[float, float, float]:
    """Return the bounds of the quantile, and the estimate between them."""
    found = one.quantile(share)
    assert found.estimate is not None
    return found.low, found.high, round(found.estimate, 9)


def test_a_quantile_lies_within_its_bucket() -> None:
    one = histogram(b0_1=50, b0_5=90, b1=98, binf=100)
    assert (one.total, one.last_ms) == (100, 1000)
    assert lies(one, 0.25) == (0.0, 0.1, 0.05)
    assert lies(one, 0.5) == (0.0, 0.1, 0.1)
    assert lies(one, 0.7) == (0.1, 0.5, 0.3)
    assert lies(one, 0.94) == (0.5, 1.0, 0.75)
    assert one.quantile(0.99) == Quantile(1.0, float("inf"), None)


def test_empty_buckets_hold_no_quantile() -> None:
    one = histogram(b0_1=0, b0_5=0, b1=10, b2=10, binf=10)
    assert lies(one, 0.0) == (0.5, 1.0, 0.5)
    assert lies(one, 1.0) == (0.5, 1.0, 1.0)
    with pytest.raises(ValueError, match="empty"):
        histogram(b1=0, binf=0).quantile(0.5)


def test_slightly_falling_counts_are_read_as_equal() -> None:
    one = histogram(b0_1=10, b0_5=9, b1=20, binf=19)
    assert one.buckets == [(0.1, 10), (0.5, 10), (1.0, 20), (float("inf"), 20)]
    assert lies(one, 0.6) == (0.5, 1.0, 0.6)


def test_bound_in_two_spellings_is_one_bound() -> None:
    one = Histogram({"1": 5, "1.0": 7, "+Inf": 12, "0.5": 1}, "x", "requests")
    assert one.buckets == [(0.5, 1), (1.0, 12), (float("inf"), 12)]


@pytest.mark.parametrize(
    "counts",
    [{}, {"+Inf": 5}, {"1": 5}, {"1": 5, "2": 7}, {"1": 5, "": 7}, {"nan": 5, "1": 5, "+Inf": 5}, {"x": 5, "+Inf": 5}],
)
def test_invalid_histogram_is_no_reading(counts: dict[str, float]) -> None:
    with pytest.raises(NoReading) as caught:
        Histogram(counts, "prometheus", "requests")
    assert (caught.value.kind, caught.value.resource) == ("malformed-histogram", "prometheus")


def test_above_a_limit_or_undetermined() -> None:
    inside, beyond = Quantile(0.5, 1.0, 0.75), Quantile(1.0, float("inf"), None)
    assert [inside.is_above(limit) for limit in (0.7, 0.75, 0.8)] == [True, False, False]
    assert [beyond.is_above(limit) for limit in (0.9, 1.0, 1.1)] == [True, True, None]
