"""What else may be behind a root, and what isn't? Told where evidence doesn't single out one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.results.roots import could_explain

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from runbook_checks.config.runbook import Explanations
    from runbook_checks.results.model import Result, Rivals
    from runbook_checks.results.roots import Root

MOST = 4  # things that one line tells


def consider(
    roots: list[Root], results: list[Result], explanations: Explanations, listed: Mapping[str, Container[str]]
) -> None:
    """Set the rivals of each root: symptoms that would explain it, and were not looked at, unknown, or clear.

    `listed` has for each system the symptoms that its runbook lists. What was clear is told as ruled out only where no
    cause is told; that nobody looked at something is told of every root.
    """
    looked = {(result.system, result.symptom): result for result in results}
    for root in roots:
        if root.result.symptom == "resolver":
            continue
        rivals = root.rivals
        rivals.candidates |= _about_a_name(root.finding.evidence if root.finding else root.result.evidence)
        is_told = root.finding is not None and root.finding.cause is not None
        for symptom in could_explain(root, explanations):
            if symptom not in listed.get(root.result.system, ()):
                continue
            name = f"{symptom}[{root.result.system}]"
            other = looked.get((root.result.system, symptom))
            if other is not None and other.explained_by == root.name:
                continue  # it is the other way round
            outcome = other.outcome if other is not None else "not looked at"
            if outcome == "clear" and not is_told:
                rivals.ruled_out[name] = "clear"
            elif outcome not in ("clear", "found"):
                rivals.candidates[name] = {"skipped": "skipped", "unknown": "could not be looked at"}.get(
                    outcome, outcome
                )


def _about_a_name(evidence: Mapping[str, Any]) -> dict[str, str]:
    """A name for which a name server that is there has no answer: who is to blame can't be seen from here."""
    if evidence.get("resolver_state") != "failing":
        return {}
    either = f"the name server {evidence['resolver']}", f"the servers of {evidence['host']}"
    return dict.fromkeys(either, "either leaves a name unanswered")


def in_a_line(rivals: Rivals, system: str) -> Iterator[tuple[str, str]]:
    """A field's name and text for each of the two; what is told for the same reason stands together."""
    for name, told in (("perhaps", rivals.candidates), ("ruled out", rivals.ruled_out)):
        groups: dict[str, list[str]] = {}
        for what, why in told.items():
            groups.setdefault(why, []).append(what.removesuffix(f"[{system}]"))
        if groups:
            yield name, "; ".join(f"{_several(whats)} ({why})" for why, whats in groups.items())


def _several(whats: list[str]) -> str:
    more = f" and {len(whats) - MOST} more" if len(whats) > MOST else ""
    return ", ".join(whats[:MOST]) + more
