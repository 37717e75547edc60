"""Which findings explain the others? Worked out after the run, from outcomes alone, the same in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from runbooks.model import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.outcomes import Finding, Result
    from runbooks.model import Edge, Explanations

Node = tuple["Result", "Finding | None"]  # a finding, or with None an unknown


@dataclass
class Root:
    """A finding that no other explains, or a source nobody could read, with all it explains."""

    name: str
    result: Result
    finding: Finding | None
    explains: list[Node] = field(default_factory=list)

    @property
    def severity(self) -> str:
        return self.finding.severity if self.finding else self.result.severity


def work_out(results: list[Result], explanations: Explanations) -> list[Root]:
    """The roots, gravest first; `explained_by` is set on every finding and unknown that has one."""
    nodes = sorted(_nodes(results), key=_order)
    parents = {_key(node): _explainer(node, nodes, explanations) for node in nodes}
    roots: dict[str, Root] = {}
    for node in nodes:
        top = _top(node, parents)
        root = roots.setdefault(_name(top), Root(_name(top), *top))
        if _key(top) != _key(node):
            (node[1] or node[0]).explained_by = root.name
            root.explains.append(node)
        elif root.result is not node[0] or root.finding is not node[1]:
            _stand_beside(root, node)
    return sorted(roots.values(), key=lambda root: (SEVERITIES.index(root.severity), root.name))


def _stand_beside(root: Root, node: Node) -> None:
    """Several unknowns for one unread source, or several findings of one name, are one root."""
    if node[1] is None:
        node[0].explained_by = root.name
    root.explains.append(node)


def _nodes(results: list[Result]) -> Iterator[Node]:
    for result in results:
        if result.outcome == "unknown":
            yield result, None
        for finding in result.findings:
            yield result, finding


def _order(node: Node) -> tuple[str, ...]:
    result, finding = node
    severity = finding.severity if finding else result.severity
    return (
        severity,
        result.system,
        result.symptom,
        (finding and finding.subject) or "",
        (finding and finding.cause) or "",
    )


def _key(node: Node) -> int:
    return id(node[1] or node[0])


def _name(node: Node) -> str:
    result, finding = node
    return result.name(finding.subject) if finding else result.blocked


def _top(node: Node, parents: dict[int, Node | None]) -> Node:
    seen = {_key(node)}
    while (parent := parents[_key(node)]) is not None and _key(parent) not in seen:
        node = parent
        seen.add(_key(node))
    return node


def _explainer(node: Node, nodes: list[Node], explanations: Explanations) -> Node | None:
    found = [other for other in nodes if other[1] is not None and _may_explain(other, node)]
    result, finding = node
    for edge in explanations.edges:
        if _covers(edge, node):
            parent = next((other for other in found if other[0].symptom == edge.from_), None)
            if parent is not None:
                return parent
    if finding is None:
        for symptom in explanations.resources.get(result.resource or "", ()):
            parent = next((other for other in found if other[0].symptom == symptom), None)
            if parent is not None:
                return parent
    return None


def _may_explain(other: Node, node: Node) -> bool:
    if other[0].system != node[0].system or other[0].symptom == node[0].symptom:
        return False
    theirs, ours = other[1] and other[1].subject, node[1] and node[1].subject
    return theirs is None or ours is None or theirs == ours


def _covers(edge: Edge, node: Node) -> bool:
    result, finding = node
    if edge.when_unknown and finding is not None:
        return False
    if edge.through is not None:
        return edge.through in result.needs
    return any(_fits(pattern, result, finding) for pattern in edge.to)


def _fits(pattern: str, result: Result, finding: Finding | None) -> bool:
    symptom, _, cause = pattern.partition(":")
    if cause and (finding is None or finding.cause != cause):
        return False
    return fnmatchcase(result.symptom, symptom)
