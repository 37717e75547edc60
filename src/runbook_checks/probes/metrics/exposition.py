"""What does a service tell about itself in Prometheus' text form?

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4; what OpenMetrics adds to a line is
read over).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runbook_checks.probes.core.reading import NoReading, one_line

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*+\s*+=\s*+"(?:[^"\\]|\\.)*+"'
LABELS = rf"\{{\s*+(?:{LABEL}\s*+(?:,\s*+{LABEL}\s*+)*+(?:,\s*+)?)?\}}"
SAMPLE = re.compile(rf"({NAME})(?:\s*+{LABELS})?\s++(\S++)(?:\s++(-?[0-9.]++))?(?:\s++#.*)?")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped", "unknown", "info", "stateset", "gaugehistogram")
MOST_LINES = 200_000
MAX_LINE = 16 * 1024
SHOWN = 60


@dataclass(frozen=True)
class Exposition:
    """What was told: how many samples, and of which metrics."""

    samples: int
    names: frozenset[str]


def parse(text: str, url: str, resource: str = "http") -> Exposition:
    """The samples of a document. NoReading not-parseable (evidence: line, excerpt) for any other and an empty one."""
    names, samples = set(), 0
    # A label's value may hold what Python takes for a line end; the format knows one only.
    for number, line in enumerate(text.split("\n", MOST_LINES)[:MOST_LINES], 1):
        stripped = line.strip()
        if not stripped or (stripped.startswith("#") and _is_comment(stripped)):
            continue
        match = SAMPLE.fullmatch(stripped) if len(stripped) <= MAX_LINE else None
        if match is None or not _is_number(match[2]):
            raise _not_parseable(url, number, stripped, resource)
        names.add(match[1])
        samples += 1
    if not samples:
        raise _not_parseable(url, 0, "", resource)
    return Exposition(samples, frozenset(names))


def _is_comment(line: str) -> bool:
    """Any comment, but a TYPE that names a type."""
    words = line.split(None, 3)
    return words[:2] != ["#", "TYPE"] or (len(words) == 4 and words[3] in TYPES)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return "_" not in word


def _not_parseable(url: str, line: int, text: str, resource: str) -> NoReading:
    excerpt = one_line(text, SHOWN)
    reason = f"{url}: line {line} is no sample: {excerpt!r}" if line else f"{url} tells no sample"
    return NoReading(resource, reason, kind="not-parseable", evidence={"line": line, "excerpt": excerpt})
