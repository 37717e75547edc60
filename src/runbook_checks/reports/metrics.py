"""The metrics of a run in Prometheus' text format: outcomes, roots, durations, certificates' expiry."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks.results.model import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.results.finished_run import FinishedRun
    from runbook_checks.results.model import Result

Sample = tuple["Family", tuple[str, ...], float]


@dataclass(frozen=True)
class Family:
    """A metric: its name as Prometheus wants it (base units, the unit last), its help text and its labels."""

    name: str
    help: str
    labels: tuple[str, ...]


_CHECK = ("environment", "system", "symptom", "severity")
OUTCOME = Family(
    "runbook_checks_outcome",
    "1 for the outcome of a check, 0 for the three others; severity is the highest that the check can report.",
    (*_CHECK, "outcome"),
)
FINDINGS = Family("runbook_checks_findings", "The number of subjects on which a symptom is found.", _CHECK)
ROOT = Family(
    "runbook_checks_root",
    "1 for a finding that no other explains, or a source that gives no answer (symptom unreadable:RESOURCE).",
    (*_CHECK, "subject", "cause"),
)
DURATION = Family("runbook_checks_check_duration_seconds", "The duration of a check.", _CHECK)
EXPIRY = Family(
    "runbook_checks_certificate_expiry_timestamp_seconds",
    "When the certificate of an address expires.",
    ("environment", "system", "address"),
)
RUN_AT = Family("runbook_checks_run_timestamp_seconds", "When the last run ended.", ("environment",))
RUN_TOOK = Family("runbook_checks_run_duration_seconds", "The duration of the last run.", ("environment",))
RUN_CODE = Family("runbook_checks_run_exit_code", "The last run's exit code.", ("environment",))
FAMILIES = (OUTCOME, FINDINGS, ROOT, DURATION, EXPIRY, RUN_AT, RUN_TOOK, RUN_CODE)


def of_run(finished: FinishedRun) -> str:
    """A run's metrics."""
    return as_text(_samples(finished))


def _samples(finished: FinishedRun) -> Iterator[Sample]:
    here = finished.run.environment.name
    for result in finished.results:
        labels = (here, result.system, result.symptom, result.severity)
        yield from ((OUTCOME, (*labels, name), float(name == result.outcome)) for name in OUTCOMES)
        if result.outcome in ("clear", "found"):
            yield FINDINGS, labels, float(len(result.findings))
        if result.outcome != "skipped":
            yield DURATION, labels, result.duration_s
        yield from _expiries(here, result)
    for root in finished.analysis.roots:
        name = root.result.symptom if root.finding else f"unreadable:{root.result.resource}"
        about = (root.node.subject or "", root.node.cause or "")
        yield ROOT, (here, root.result.system, name, root.severity, *about), 1.0
    yield RUN_AT, (here,), time.time()
    yield RUN_TOOK, (here,), finished.duration_s
    yield RUN_CODE, (here,), float(finished.code)


def _expiries(here: str, result: Result) -> Iterator[Sample]:
    """The expiry of every certificate that was read."""
    for reading in result.readings:
        if reading.certificate is not None and reading.expires is not None:
            yield EXPIRY, (here, result.system, reading.certificate), reading.expires


def as_text(samples: Iterable[Sample]) -> str:
    """Samples in the text format; the last of several with the same labels wins."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily

    gathered: dict[Family, dict[tuple[str, ...], float]] = {}
    for family, labels, value in samples:
        gathered.setdefault(family, {})[labels] = value

    class Collector:
        def collect(self) -> Iterator[Any]:
            for family, values in gathered.items():
                metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
                for labels, value in values.items():
                    metric.add_metric(labels, value)
                yield metric

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return str(generate_latest(registry).decode())
