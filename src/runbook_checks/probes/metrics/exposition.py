"""Read what a service exposes in Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4 and 1.0.0; what OpenMetrics adds to a
line is skipped).
"""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from runbook_checks.probes.core.reading import NoReading, one_line

MAX_LINE = 16 * 1024  # the library takes quadratic time for the labels of one line
SHOWN = 60


@dataclass(frozen=True)
class Exposition:
    """The number of samples, and the names of the metrics."""

    samples: int
    names: frozenset[str]


def parse(text: str, url: str, resource: str = "http") -> Exposition:
    """The samples of a document; NoReading not-parseable (evidence: line, excerpt) where it has none or is another."""
    names: list[str] = []
    # A label's value may have characters that Python takes for a line end; the format has one only.
    for number, line in enumerate(text.split("\n"), 1):
        try:
            if len(line) > MAX_LINE:
                raise ValueError
            names += [sample.name for family in text_string_to_metric_families(line) for sample in family.samples]
        except (ValueError, IndexError):
            raise _not_parseable(url, number, line, resource) from None
    if not names:
        raise _not_parseable(url, 0, "", resource)
    return Exposition(len(names), frozenset(names))


def _not_parseable(url: str, line: int, text: str, resource: str) -> NoReading:
    excerpt = one_line(text.strip(), SHOWN)
    reason = f"{url}: line {line} is not a sample: {excerpt!r}" if line else f"{url} exposes no sample"
    return NoReading(resource, reason, kind="not-parseable", evidence={"line": line, "excerpt": excerpt})
