"""The graph of explanations: for each finding and unknown, the finding or silent source that explains it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from runbook_checks.results.model import Finding, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runbook_checks.config.runbook import Edge, Explanations

NAMED = 6
Observation = Finding | Result


class Node(NamedTuple):
    """A finding with its result, or an unknown result."""

    result: Result
    finding: Finding | None

    @property
    def observation(self) -> Observation:
        """The finding, or the unknown result: the key of the analysis."""
        return self.finding or self.result

    @property
    def severity(self) -> str:
        return self.observation.severity

    @property
    def subject(self) -> str | None:
        return self.finding.subject if self.finding else None

    @property
    def cause(self) -> str | None:
        return self.finding.cause if self.finding else None

    @property
    def name(self) -> str:
        return self.result.name(self.finding.subject) if self.finding else self.result.blocked

    @property
    def order(self) -> tuple[str, ...]:
        """The sort key: gravest first, and independent of the order of results."""
        return self.severity, self.result.system, self.result.symptom, self.subject or "", self.cause or ""

    def is_of(self, cause: str) -> bool:
        """Whether it is a finding with this cause, where one is given."""
        return not cause or self.cause == cause


def nodes_of(results: Iterable[Result]) -> list[Node]:
    """The nodes of all results, sorted."""
    unknown = [Node(result, None) for result in results if result.outcome == "unknown"]
    found = [Node(result, finding) for result in results for finding in result.findings]
    return sorted([*unknown, *found], key=lambda node: node.order)


class RootGraph:
    """Finds the explanation of a node, by name, since there may be ten thousand findings."""

    def __init__(self, nodes: Sequence[Node], explanations: Explanations) -> None:
        self._resources, self._edges = explanations.resources, edges_to(nodes, explanations)
        self._found: dict[tuple[str, str], list[Node]] = {}
        self._about: dict[tuple[str, str, str | None], list[Node]] = {}
        for node in nodes:
            if node.finding is not None:
                result = node.result
                self._found.setdefault((result.system, result.symptom), []).append(node)
                self._about.setdefault((result.system, result.symptom, node.subject), []).append(node)
        name_servers = dict(silent_name_servers(nodes))
        self._parents = {node: name_servers.get(node) or self._parent(node) for node in nodes}

    def top(self, node: Node) -> Node:
        """Follow explanations up to a node without one; in a cycle, to the gravest of its nodes."""
        way = [node]
        seen = {node}
        while (parent := self._parents.get(way[-1])) is not None:
            if parent in seen:
                return min(way[way.index(parent) :], key=lambda each: each.order)
            way.append(parent)
            seen.add(parent)
        return way[-1]

    def _parent(self, node: Node) -> Node | None:
        """The finding that explains a finding or an unknown, by the first edge that applies."""
        for edge in self._edges[node.result.symptom]:
            if covers(edge, node) and (found := self._by(edge, node)):
                return found
        return self._of_resource(node.result) if node.finding is None else None

    def _by(self, edge: Edge, node: Node) -> Node | None:
        if not edge.is_by_words:
            return self._of(edge.from_, node, same_subject=edge.same_subject)
        if edge.says and edge.says not in node.observation.says:
            return None
        symptom, _, cause = edge.from_.partition(":")
        if symptom == node.result.symptom:
            return None
        others = self._found.get((node.result.system, symptom), [])
        return next((o for o in others if o.is_of(cause) and _ties(edge, o, node.observation.words)), None)

    def _of_resource(self, result: Result) -> Node | None:
        """The explanation for a resource without an answer; for an unknown about subjects, one for each of them."""
        symptoms = self._resources.get(result.resource or "", ())
        if not result.subjects:
            return next((found for s in symptoms if (found := self._of(s, Node(result, None)))), None)
        parents = [self._about_one(symptoms, result, subject) for subject in result.subjects]
        return min((p for p in parents if p), key=lambda p: p.order) if all(parents) else None

    def _about_one(self, symptoms: Iterable[str], result: Result, subject: str) -> Node | None:
        keys = ((result.system, symptom, subject) for symptom in symptoms if symptom != result.symptom)
        return next((self._about[key][0] for key in keys if key in self._about), None)

    def _of(self, pattern: str, node: Node, *, same_subject: bool = False) -> Node | None:
        """The first finding of `symptom` or `symptom:cause` on the same system and, if both have one, subject."""
        result, subject = node.result, node.subject
        symptom, _, cause = pattern.partition(":")
        if symptom == result.symptom:
            return None
        everywhere = [] if same_subject else self._about.get((result.system, symptom, None), [])
        if subject is not None:
            candidates = [*self._about.get((result.system, symptom, subject), []), *everywhere]
        elif same_subject or result.subjects:
            candidates = self._about.get((result.system, symptom, None), [])
        else:
            candidates = self._found.get((result.system, symptom), [])
        return next((other for other in candidates if other.is_of(cause)), None)


def _ties(edge: Edge, other: Node, words: str) -> bool:
    """Whether a finding matches the edge's `from_says`, and its subject occurs in the text that it would explain."""
    # Other texts name an operation (GET /path) by its path.
    subject = (other.subject or "").rpartition(" ")[2]
    if edge.names_it and not (subject and subject.casefold() in words.casefold()):
        return False
    return not edge.from_says or edge.from_says in other.observation.says


def edges_to(nodes: Iterable[Node], explanations: Explanations) -> dict[str, list[Edge]]:
    """The edges that may explain each symptom, in order of preference."""
    symptoms = {node.result.symptom for node in nodes}
    return {name: [edge for edge in explanations.edges if edge.through or edge.reaches(name)] for name in symptoms}


def covers(edge: Edge, node: Node) -> bool:
    """Whether an edge may explain a node."""
    if edge.when_unknown and node.finding is not None:
        return False
    if edge.through is not None:
        return edge.through in node.result.needs
    return any(_fits(pattern, node) for pattern in edge.to)


def _fits(pattern: str, node: Node) -> bool:
    symptom, _, cause = pattern.partition(":")
    return node.is_of(cause) and fnmatchcase(node.result.symptom, symptom)


def silent_name_servers(nodes: Iterable[Node]) -> Iterator[tuple[Node, Node]]:
    """Each node whose host name could not be resolved, with the name server that explains it, as an unreadable source.

    A server that answers no question explains all. One that fails for single names (SERVFAIL, or a timeout while it
    answers others) explains them if it fails for two or more: a single failure may be that domain's own fault. Systems
    that ask the same server share one root, since one repair resolves them all.
    """
    by_server: dict[str, list[Node]] = {}
    for node in nodes:
        if node.observation.evidence.get("resolver_state"):
            by_server.setdefault(str(node.observation.evidence.get("resolver")), []).append(node)
    for server, several in by_server.items():
        names = sorted({str(node.observation.evidence.get("host")) for node in several})
        is_silent = any(node.observation.evidence["resolver_state"] == "silent" for node in several)
        if is_silent or len(names) > 1:
            source = _source(server, names, several, is_silent=is_silent)
            yield from ((node, source) for node in several)


def _source(server: str, names: list[str], several: list[Node], *, is_silent: bool) -> Node:
    """The name server as an unknown result, on the first of the systems that ask it."""
    system = min(node.result.system for node in several)
    first = next(node for node in several if node.result.system == system)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    what = "answers no question" if is_silent else "did not resolve names"
    server = "the machine's own name server" if server == "the machine's own" else f"the name server {server}"
    result = Result(
        symptom="resolver",
        system=system,
        severity=first.severity,
        outcome="unknown",
        check=first.result.check,
        started=first.result.started,
        duration_s=first.result.duration_s,
        reason=f"{server} {what}; asked for {', '.join(names[:NAMED])}{more}",
        resource="resolver",
    )
    return Node(result, None)
