"""The roots of a run: findings that no other explains, and sources that gave no answer.

They are determined after the run, from the results alone, and do not depend on their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.config.runbook import SEVERITIES
from runbook_checks.results.root_graph import Node, RootGraph, nodes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runbook_checks.config.runbook import Explanations
    from runbook_checks.results.model import Finding, Result
    from runbook_checks.results.root_graph import Observation


@dataclass(frozen=True)
class Root:
    """A finding that no other explains, or a source that gave no answer, with the nodes that it explains."""

    name: str
    node: Node
    explains: Sequence[Node]

    @property
    def result(self) -> Result:
        return self.node.result

    @property
    def finding(self) -> Finding | None:
        return self.node.finding

    @property
    def severity(self) -> str:
        return self.node.severity


def find_roots(
    results: Sequence[Result], explanations: Explanations
) -> tuple[Sequence[Root], Mapping[Observation, str]]:
    """The roots, gravest first, and the name of the root of each explained finding and unknown."""
    nodes = nodes_of(results)
    graph = RootGraph(nodes, explanations)
    first: dict[str, Node] = {}
    explains: dict[str, list[Node]] = {}
    explained_by: dict[Observation, str] = {}
    for node in nodes:
        top = graph.top(node)
        root = first.setdefault(top.name, top)
        others = explains.setdefault(top.name, [])
        if node == root:
            continue
        # Several unknowns for one silent source, or several findings with one name, share one root.
        others.append(node)
        if node != top or node.finding is None:
            explained_by[node.observation] = top.name
    roots = [Root(name, node, explains[name]) for name, node in first.items()]
    return sorted(roots, key=lambda root: (SEVERITIES.index(root.severity), root.name)), explained_by
