"""What lies beneath several resources, and told nothing itself? A silent name server takes them all along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.results.model import Finding, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Node = tuple[Result, Finding | None]  # a finding, or with None an unknown
NAMED = 6


def beneath(nodes: Iterable[Node]) -> Iterator[tuple[Node, Node]]:
    """Each node whose name could not be resolved, with the name server that is to blame, as a source nobody could read.

    A server that is silent altogether is to blame for all. One that has no answer to a question (SERVFAIL, or a
    time-out while it answers others) is, where it has none for two names or more: one may be that name's own trouble.
    Systems that ask the same server are told together, for there is one thing to mend.
    """
    by_server: dict[str, list[Node]] = {}
    for node in nodes:
        evidence = _evidence(node)
        if evidence.get("resolver_state"):
            by_server.setdefault(str(evidence.get("resolver")), []).append(node)
    for server, several in by_server.items():
        names = sorted({str(_evidence(node).get("host")) for node in several})
        is_silent = any(_evidence(node)["resolver_state"] == "silent" for node in several)
        if is_silent or len(names) > 1:
            source = _source(server, names, several, is_silent=is_silent)
            yield from ((node, source) for node in several)


def _evidence(node: Node) -> dict[str, object]:
    return node[1].evidence if node[1] else node[0].evidence


def _source(server: str, names: list[str], several: list[Node], *, is_silent: bool) -> Node:
    """The name server as an unknown of its own, on the first of the systems that ask it."""
    system = min(result.system for result, _ in several)
    first, finding = next(node for node in several if node[0].system == system)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    what = "answers nothing at all" if is_silent else "has no answer"
    server = "the machine's own name server" if server == "the machine's own" else f"the name server {server}"
    result = Result(
        symptom="resolver",
        system=system,
        severity=finding.severity if finding else first.severity,
        outcome="unknown",
        check=first.check,
        started=first.started,
        duration_s=first.duration_s,
        attempts=1,
        reason=f"{server} {what}; it was asked for {', '.join(names[:NAMED])}{more}",
        resource="resolver",
        needs=[],
        text=None,
    )
    return result, None
