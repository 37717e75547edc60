"""Findings that do not count at the gate: acknowledged ones, and those that a baseline already has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.config.runbook import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runbook_checks.config.acknowledgements import Known
    from runbook_checks.config.results_document import Document, DocumentFinding
    from runbook_checks.results.model import Finding, Result
    from runbook_checks.results.root_graph import Observation

Name = tuple[str, str, str | None]  # symptom, system, subject


def find_exclusions(
    results: Sequence[Result], known: Known | None, baseline: Document | None, at: float
) -> tuple[dict[Observation, str], list[str]]:
    """The reason for each finding that does not count, and notes for the report.

    A baseline excludes a finding that it has on the same subject with the same cause and at least the same severity. An
    unknown always counts, since a deploy may have made it worse.
    """
    reasons: dict[Observation, str] = {}
    notes: list[str] = []
    before = _findings(baseline) if baseline else {}
    for result in results:
        for finding in result.findings:
            names = (result.symptom, result.system, finding.subject, finding.cause)
            acknowledged = known.current(*names, at) if known else ""
            if acknowledged:
                reasons[finding] = f"acknowledged {acknowledged}"
            elif _was_there(result, finding, before):
                reasons[finding] = "already in the baseline"
            over = known.of(*names) if known and not acknowledged else ()
            name = result.name(finding.subject)
            notes += [f"{name} counts again: the acknowledgement {ended} has ended" for ended in over]
    return reasons, [*notes, *(_compared(results, baseline) if baseline else ())]


def _findings(document: Document) -> dict[Name, list[DocumentFinding]]:
    found: dict[Name, list[DocumentFinding]] = {}
    for result in document["results"]:
        for finding in result["findings"]:
            found.setdefault((result["symptom"], result["system"], finding["subject"]), []).append(finding)
    return found


def _was_there(result: Result, finding: Finding, before: Mapping[Name, list[DocumentFinding]]) -> bool:
    rank = SEVERITIES.index
    return any(
        then["cause"] == finding.cause and rank(then["severity"]) <= rank(finding.severity)
        for then in before.get((result.symptom, result.system, finding.subject), ())
    )


def _compared(results: Sequence[Result], baseline: Document) -> Iterator[str]:
    """Notes on findings that are gone since the baseline, and on findings that the baseline did not check."""
    run = baseline["run"]["id"]
    now = {(result.symptom, result.system): result for result in results}
    for symptom, system, subject in _findings(baseline):
        result = now.get((symptom, system))
        if result and result.outcome in ("clear", "found") and subject not in {f.subject for f in result.findings}:
            yield f"{result.name(subject)} was found in the baseline {run} and is clear now"
    looked = {(r["symptom"], r["system"]) for r in baseline["results"] if r["outcome"] in ("clear", "found")}
    unseen = [r.name() for r in results if r.findings and (r.symptom, r.system) not in looked]
    if unseen:
        yield f"the baseline {run} has no result for {', '.join(unseen)}: unknown whether found before"
