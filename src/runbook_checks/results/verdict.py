"""The verdict of a run from its results: the exit code, and the states of a checklist's items."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.results.model import OUTCOMES, grave

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from runbook_checks.config.runbook import Checklist, Item
    from runbook_checks.results.model import Finding, Result
    from runbook_checks.results.root_graph import Observation

CLEAR, FOUND, TROUBLE, USAGE, NOTHING_VERIFIED, UNKNOWN = 0, 1, 3, 4, 5, 10


@dataclass(frozen=True)
class Ticked:
    """One item of a checklist and its state: ticked, crossed, unanswered or attested."""

    item: str
    state: str
    symptoms: list[str]


def tick(checklist: Checklist, results: Iterable[Result], attested: Iterable[str]) -> list[Ticked]:
    """The items of a checklist with their states."""
    vouched = {_plain(item) for item in attested}
    by_symptom = {result.symptom: result for result in results}
    return [Ticked(item.item, _state(item, by_symptom, vouched), list(item.symptoms)) for item in checklist.items]


def _plain(item: str) -> str:
    return " ".join(item.split()).casefold()


def _state(item: Item, results: dict[str, Result], vouched: set[str]) -> str:
    if item.attested:
        return "attested" if _plain(item.item) in vouched else "unanswered"
    answers = [results.get(symptom) for symptom in item.symptoms]
    if any(not _tolerated(item, finding) for result in answers if result for finding in result.findings):
        return "crossed"
    if any(result is None or result.outcome in ("unknown", "skipped") for result in answers):
        return "unanswered"
    return "ticked"


def _tolerated(item: Item, finding: Finding) -> bool:
    return item.tolerates is not None and grave(item.tolerates, finding.severity)


def counts(results: Iterable[Result]) -> dict[str, int]:
    """The number of checks with each outcome."""
    counted = Counter(result.outcome for result in results)
    return {outcome: counted[outcome] for outcome in OUTCOMES}


def not_verified(results: Iterable[Result], gate: str) -> list[Result]:
    """The skipped checks at the gate, whose state is unknown."""
    return [result for result in results if result.outcome == "skipped" and grave(result.severity, gate)]


def exit_code(
    results: Sequence[Result],
    not_counted: Container[Observation],
    gate: str,
    items: Sequence[Ticked],
    checklist: Checklist | None,
) -> int:
    """0 passed, 1 found, 10 unknown or unanswered, 5 nothing verified; see the table in the README."""
    tolerant = {s: item for item in checklist.items for s in item.symptoms} if checklist else {}
    counted = [(r, f) for r in results for f in r.findings if f not in not_counted]
    if any(
        grave(finding.severity, gate)
        and not (result.symptom in tolerant and _tolerated(tolerant[result.symptom], finding))
        for result, finding in counted
    ):
        return FOUND
    crossing = {r.symptom for r, f in counted if r.symptom in tolerant and not _tolerated(tolerant[r.symptom], f)}
    if any(item.state == "crossed" and crossing & set(item.symptoms) for item in items):
        return FOUND
    at_gate = [result for result in results if grave(result.severity, gate)]
    if any(result.outcome == "unknown" for result in at_gate):
        return UNKNOWN
    if any(item.state == "unanswered" for item in items):
        return UNKNOWN
    return CLEAR if any(result.outcome in ("clear", "found") for result in at_gate) else NOTHING_VERIFIED


def with_output_missing(code: int) -> int:
    """The exit code where an output could not be written: TROUBLE instead of 0, other codes stay."""
    return TROUBLE if code == CLEAR else code
