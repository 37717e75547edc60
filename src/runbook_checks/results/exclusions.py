"""What is told, but not counted? What somebody acknowledged, and what was there before a deploy as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.config.runbook import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.results.model import Finding, Result

Name = tuple[str, str, str | None]  # symptom, system, subject


def leave_out(results: list[Result], known: Any, baseline: dict[str, Any] | None, at: float) -> Iterator[str]:
    """Set `not_counted` on findings; yields what a person should be told beside them.

    A finding was there before if the baseline has it on the same subject, with the same cause and no milder. An unknown
    always counts: whether a deploy made worse what nobody can see is not known either.
    """
    before = _findings(baseline) if baseline else {}
    for result in results:
        for finding in result.findings:
            if known is not None:
                yield from _acknowledged(result, finding, known, at)
            if finding.not_counted is None and _was_there(result, finding, before):
                finding.not_counted = "there before"
    if baseline:
        yield from _compared(results, baseline)


def _acknowledged(result: Result, finding: Finding, known: Any, at: float) -> Iterator[str]:
    names = (result.symptom, result.system, finding.subject, finding.cause)
    holds = known.current(*names, at)
    if holds:
        finding.not_counted = f"acknowledged {holds}"
        return
    for ended in known.of(*names):
        yield f"{result.name(finding.subject)} counts again: the acknowledgement {ended} is over"


def _findings(document: dict[str, Any]) -> dict[Name, list[dict[str, Any]]]:
    found: dict[Name, list[dict[str, Any]]] = {}
    for result in document["results"]:
        for finding in result["findings"]:
            found.setdefault((result["symptom"], result["system"], finding["subject"]), []).append(finding)
    return found


def _was_there(result: Result, finding: Finding, before: dict[Name, list[dict[str, Any]]]) -> bool:
    rank = SEVERITIES.index
    return any(
        then["cause"] == finding.cause and rank(then["severity"]) <= rank(finding.severity)
        for then in before.get((result.symptom, result.system, finding.subject), ())
    )


def _compared(results: list[Result], baseline: dict[str, Any]) -> Iterator[str]:
    """What is gone since, and what the baseline can't tell anything about."""
    run = baseline["run"]["id"]
    now = {(result.symptom, result.system): result for result in results}
    for symptom, system, subject in _findings(baseline):
        result = now.get((symptom, system))
        if result and result.outcome in ("clear", "found") and subject not in {f.subject for f in result.findings}:
            yield f"{result.name(subject)} was found in the baseline {run}, and is gone"
    looked = {(r["symptom"], r["system"]) for r in baseline["results"] if r["outcome"] in ("clear", "found")}
    unseen = [r.name() for r in results if r.findings and (r.symptom, r.system) not in looked]
    if unseen:
        yield f"the baseline {run} did not look at {', '.join(unseen)}: whether it was there before is not known"
