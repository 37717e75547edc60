"""The alternatives to a cause that is not proven: candidates that fit the evidence, and causes that are ruled out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.results.model import Finding
from runbook_checks.results.root_graph import covers, edges_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runbook_checks.config.results_document import JSON
    from runbook_checks.config.run import Run
    from runbook_checks.config.runbook import Edge, Explanations
    from runbook_checks.results.model import Result
    from runbook_checks.results.root_graph import Node, Observation
    from runbook_checks.results.roots import Root

MOST = 4  # names in one line
FITS = "fits the evidence"
_UNSEEN = {"skipped": "skipped", "unknown": "unknown"}


@dataclass(frozen=True)
class Alternatives:
    """Causes, or symptoms by the names that roots have, each with a short reason."""

    candidates: Mapping[str, str] = field(default_factory=dict)
    ruled_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, observation: Observation) -> Alternatives:
        """The alternatives that the check itself named."""
        if not isinstance(observation, Finding):
            return cls()
        return cls(dict.fromkeys(observation.candidates, FITS), observation.ruled_out)

    def lines(self, system: str) -> Iterator[tuple[str, str]]:
        """The name and text of both fields; names with the same reason are grouped."""
        for name, reasons in (("perhaps", self.candidates), ("ruled out", self.ruled_out)):
            groups: dict[str, list[str]] = {}
            for what, why in reasons.items():
                groups.setdefault(why, []).append(what.removesuffix(f"[{system}]"))
            if groups:
                yield name, "; ".join(f"{_several(whats)} ({why})" for why, whats in groups.items())


def _several(whats: list[str]) -> str:
    more = f" and {len(whats) - MOST} more" if len(whats) > MOST else ""
    return ", ".join(whats[:MOST]) + more


def of_roots(
    roots: Sequence[Root], results: Iterable[Result], explained_by: Mapping[Observation, str], run: Run
) -> dict[Observation, Alternatives]:
    """The alternatives to roots: those that their checks named, and the symptoms that would explain them.

    Of the symptoms in the system's runbook, those not checked or unknown are candidates. Those that are clear are ruled
    out where the cause is not proven.
    """
    looked = {(result.system, result.symptom): result for result in results}
    edges = edges_to([root.node for root in roots], run.files.explanations)
    found: dict[Observation, Alternatives] = {}
    for root in roots:
        node, system = root.node, root.result.system
        if root.result.symptom == "resolver":
            continue
        named = Alternatives.of(node.observation)
        candidates, ruled_out = {**named.candidates, **_about_a_name(node.observation.evidence)}, dict(named.ruled_out)
        for symptom in _could_explain(node, edges[root.result.symptom], run.files.explanations):
            other = looked.get((system, symptom))
            if symptom not in run.systems[system].symptoms or (other and explained_by.get(other) == root.name):
                continue  # the root explains it, and not the reverse
            outcome = other.outcome if other else "not checked"
            if outcome == "clear" and node.cause is None:
                ruled_out[f"{symptom}[{system}]"] = "clear"
            elif outcome not in ("clear", "found"):
                candidates[f"{symptom}[{system}]"] = _UNSEEN.get(outcome, outcome)
        found[node.observation] = Alternatives(candidates, ruled_out)
    return found


def _could_explain(node: Node, edges: Iterable[Edge], explanations: Explanations) -> Iterator[str]:
    """The symptoms that would explain a node if they were found, each once, in order of preference."""
    symptoms: Iterable[str] = explanations.resources.get(node.result.resource or "", ())
    if node.finding is not None:
        symptoms = dict.fromkeys(edge.from_.partition(":")[0] for edge in edges if _may_explain(edge, node))
    yield from (symptom for symptom in symptoms if symptom != node.result.symptom)


def _may_explain(edge: Edge, node: Node) -> bool:
    """Whether an edge to its symptom leads to a finding, or would if that had one of its causes."""
    if edge.through is not None or (edge.says and edge.says not in node.observation.says):
        return False
    return covers(edge, node) or (node.cause is None and not edge.when_unknown)


def _about_a_name(evidence: Mapping[str, JSON]) -> dict[str, str]:
    """The two candidates where a working name server does not resolve a name: that server, or the domain's."""
    if evidence.get("resolver_state") != "failing":
        return {}
    either = f"the name server {evidence['resolver']}", f"the servers of {evidence['host']}"
    return dict.fromkeys(either, "either can leave a name unresolved")
