"""Which findings explain the others? Worked out after the run, from outcomes alone, the same in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from runbook_checks.config.runbook import SEVERITIES
from runbook_checks.results.root_graph import beneath

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.config.runbook import Edge, Explanations
    from runbook_checks.results.model import Finding, Result, Rivals
    from runbook_checks.results.root_graph import Node


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

    @property
    def rivals(self) -> Rivals:
        return self.finding.rivals if self.finding else self.result.rivals


def work_out(results: list[Result], explanations: Explanations) -> list[Root]:
    """The roots, gravest first; `explained_by` is set on every finding and unknown that has one."""
    nodes = sorted(_nodes(results), key=_order)
    known = _Explanations(nodes, explanations)
    lost = {_key(node): source for node, source in beneath(nodes)}
    parents = {_key(node): lost.get(_key(node)) or known.parent(node) for node in nodes}
    parents |= {_key(source): None for source in lost.values()}
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


def could_explain(root: Root, explanations: Explanations) -> Iterator[str]:
    """The symptoms that would explain a root if they were found, each once, in order of preference."""
    node = root.result, root.finding
    if root.finding is None:
        yield from (s for s in explanations.resources.get(root.result.resource or "", ()) if s != root.result.symptom)
        return
    is_open = root.finding.cause is None
    edges = (e for e in explanations.edges if e.through is None and (_covers(e, node) or (is_open and _may(e, node))))
    fitting = [e.from_ for e in edges if not e.says or e.says in _told(node).says]
    symptoms = dict.fromkeys(name.partition(":")[0] for name in fitting)
    yield from (symptom for symptom in symptoms if symptom != root.result.symptom)


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
    """Up to what nothing explains; where some explain each other, up to the gravest of these."""
    way = [node]
    seen = {_key(node)}
    while (parent := parents[_key(way[-1])]) is not None:
        if _key(parent) in seen:
            circle = way[[_key(each) for each in way].index(_key(parent)) :]
            return min(circle, key=_order)
        way.append(parent)
        seen.add(_key(parent))
    return way[-1]


class _Explanations:
    """Finds what explains a node. Looked up by name, for there may be ten thousand findings."""

    def __init__(self, nodes: list[Node], explanations: Explanations) -> None:
        self._explanations = explanations
        self._found: dict[tuple[str, str], list[Node]] = {}
        self._about: dict[tuple[str, str, str | None], list[Node]] = {}
        for result, finding in nodes:
            if finding is not None:
                self._found.setdefault((result.system, result.symptom), []).append((result, finding))
                self._about.setdefault((result.system, result.symptom, finding.subject), []).append((result, finding))

    def parent(self, node: Node) -> Node | None:
        """The finding that explains a finding or an unknown; the first edge that fits wins."""
        for edge in self._explanations.edges:
            if _covers(edge, node) and (found := self._by(edge, node)):
                return found
        return self._of_resource(node[0]) if node[1] is None else None

    def _by(self, edge: Edge, node: Node) -> Node | None:
        if not edge.is_by_words:
            return self._of(edge.from_, node, same_subject=edge.same_subject)
        if edge.says and edge.says not in _told(node).says:
            return None
        symptom, _, cause = edge.from_.partition(":")
        fitting = (
            other
            for other in self._found.get((node[0].system, symptom), [])
            if (not cause or (other[1] and other[1].cause == cause)) and symptom != node[0].symptom
        )
        return next((other for other in fitting if _ties(edge, other, _told(node).words)), None)

    def _of_resource(self, result: Result) -> Node | None:
        """What explains that a resource gave no answer: where it is about subjects, about every one of them."""
        symptoms = self._explanations.resources.get(result.resource or "", ())
        if not result.subjects:
            return next((found for s in symptoms if (found := self._of(s, (result, None)))), None)
        parents = [self._about_one(symptoms, result, subject) for subject in result.subjects]
        return min((p for p in parents if p), key=_order) if all(parents) else None

    def _about_one(self, symptoms: Iterable[str], result: Result, subject: str) -> Node | None:
        keys = ((result.system, symptom, subject) for symptom in symptoms if symptom != result.symptom)
        return next((self._about[key][0] for key in keys if key in self._about), None)

    def _of(self, pattern: str, node: Node, *, same_subject: bool = False) -> Node | None:
        """The first finding of a symptom, or `symptom:cause`, on the same system and (where both have one) subject."""
        result, finding = node
        symptom, _, cause = pattern.partition(":")
        if symptom == result.symptom:
            return None
        subject = finding.subject if finding else None
        everywhere = [] if same_subject else self._about.get((result.system, symptom, None), [])
        if subject is not None:
            candidates = [*self._about.get((result.system, symptom, subject), []), *everywhere]
        elif same_subject or result.subjects:
            candidates = self._about.get((result.system, symptom, None), [])
        else:
            candidates = self._found.get((result.system, symptom), [])
        return next((other for other in candidates if not cause or (other[1] and other[1].cause == cause)), None)


def _ties(edge: Edge, other: Node, words: str) -> bool:
    """Whether a finding says what the edge wants of it, and is named in the words of what it would explain."""
    # Of an operation (GET /path) its address is what others name.
    subject = ((other[1] and other[1].subject) or "").rpartition(" ")[2]
    if edge.names_it and not (subject and subject.casefold() in words.casefold()):
        return False
    return not edge.from_says or edge.from_says in _told(other).says


def _told(node: Node) -> Finding | Result:
    """What a node tells: the finding, or the result of a check that could not look."""
    return node[1] or node[0]


def _covers(edge: Edge, node: Node) -> bool:
    result, finding = node
    if edge.when_unknown and finding is not None:
        return False
    if edge.through is not None:
        return edge.through in result.needs
    return any(_fits(pattern, result, finding) for pattern in edge.to)


def _may(edge: Edge, node: Node) -> bool:
    """Whether it would cover a finding if that had one of its causes."""
    return not edge.when_unknown and edge.reaches(node[0].symptom)


def _fits(pattern: str, result: Result, finding: Finding | None) -> bool:
    symptom, _, cause = pattern.partition(":")
    if cause and (finding is None or finding.cause != cause):
        return False
    return fnmatchcase(result.symptom, symptom)
