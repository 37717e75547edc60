"""The alternatives to a cause that is not proven: candidates that fit the evidence, and what is ruled out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.results.root_graph import covers

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from runbook_checks.config.results_document import JSON
    from runbook_checks.config.runbook import Edge, Explanations
    from runbook_checks.results.model import Finding, Result
    from runbook_checks.results.root_graph import Item, Node
    from runbook_checks.results.roots import Root

MOST = 4  # things that one line shows
FITS = "fits what was seen"
_UNSEEN = {"skipped": "skipped", "unknown": "could not be looked at"}


@dataclass(frozen=True)
class Alternatives:
    """Causes, or symptoms by the names that roots have, each with a few words on it."""

    candidates: Mapping[str, str]
    ruled_out: Mapping[str, str]

    @classmethod
    def of(cls, finding: Finding) -> Alternatives:
        """Those that the check itself named."""
        return cls(dict.fromkeys(finding.candidates, FITS), finding.ruled_out)

    def lines(self, system: str) -> Iterator[tuple[str, str]]:
        """A field's name and text for each of the two; those with the same reason stand together."""
        for name, reasons in (("perhaps", self.candidates), ("ruled out", self.ruled_out)):
            groups: dict[str, list[str]] = {}
            for what, why in reasons.items():
                groups.setdefault(why, []).append(what.removesuffix(f"[{system}]"))
            if groups:
                yield name, "; ".join(f"{_several(whats)} ({why})" for why, whats in groups.items())


NONE = Alternatives({}, {})


def _several(whats: list[str]) -> str:
    more = f" and {len(whats) - MOST} more" if len(whats) > MOST else ""
    return ", ".join(whats[:MOST]) + more


def find_alternatives(
    results: Iterable[Result],
    roots: Iterable[Root],
    explained_by: Mapping[Item, str],
    explanations: Explanations,
    listed: Mapping[str, Container[str]],
) -> dict[Item, Alternatives]:
    """The alternatives to findings, as their checks named them, and to roots also by the explanations.

    `listed` has for each system the symptoms that its runbook lists.
    """
    named = [finding for result in results for finding in result.findings if finding.candidates or finding.ruled_out]
    found: dict[Item, Alternatives] = {finding: Alternatives.of(finding) for finding in named}
    outcomes = {(r.system, r.symptom): (r.outcome, explained_by.get(r)) for r in results}
    for root in roots:
        if root.result.symptom != "resolver":
            symptoms = [s for s in _could_explain(root.node, explanations) if s in listed.get(root.result.system, ())]
            found[root.node.item] = _of_root(root, found.get(root.node.item, NONE), symptoms, outcomes)
    return found


def _of_root(
    root: Root,
    named: Alternatives,
    symptoms: Iterable[str],
    outcomes: Mapping[tuple[str, str], tuple[str, str | None]],
) -> Alternatives:
    """Symptoms that would explain a root are candidates where they were not looked at or unknown.

    Those that are clear are ruled out where the cause is not proven.
    """
    system = root.result.system
    candidates = {**named.candidates, **_about_a_name(root.node.evidence)}
    ruled_out = dict(named.ruled_out)
    for symptom in symptoms:
        outcome, explained_by = outcomes.get((system, symptom), ("not looked at", None))
        if explained_by == root.name:
            continue  # the root explains it, not the other way round
        if outcome == "clear" and root.node.cause is None:
            ruled_out[f"{symptom}[{system}]"] = "clear"
        elif outcome not in ("clear", "found"):
            candidates[f"{symptom}[{system}]"] = _UNSEEN.get(outcome, outcome)
    return Alternatives(candidates, ruled_out)


def _could_explain(node: Node, explanations: Explanations) -> Iterator[str]:
    """The symptoms that would explain a node if they were found, each once, in order of preference."""
    if node.finding is None:
        symptoms: Iterable[str] = explanations.resources.get(node.result.resource or "", ())
    else:
        symptoms = dict.fromkeys(
            edge.from_.partition(":")[0] for edge in explanations.edges if _may_explain(edge, node)
        )
    yield from (symptom for symptom in symptoms if symptom != node.result.symptom)


def _may_explain(edge: Edge, node: Node) -> bool:
    """Whether an edge leads to a finding, or would if that had one of its causes."""
    is_open = node.cause is None and not edge.when_unknown and edge.reaches(node.result.symptom)
    says_so = not edge.says or edge.says in node.item.says
    return edge.through is None and (is_open or covers(edge, node)) and says_so


def _about_a_name(evidence: Mapping[str, JSON]) -> dict[str, str]:
    """A name that a running name server cannot answer: from here nobody can see which of two is to blame."""
    if evidence.get("resolver_state") != "failing":
        return {}
    either = f"the name server {evidence['resolver']}", f"the servers of {evidence['host']}"
    return dict.fromkeys(either, "either leaves a name unanswered")
