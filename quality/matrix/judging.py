"""What does one run say about the faults that were on: seen, with the right cause, and nothing else claimed?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runbook_checks_lab.registry import Change


@dataclass
class Row:
    """What one run says of one fault, or of several that broke the same system at once."""

    faults: list[str] = field(default_factory=list)
    """Their full names, symptom:cause@system."""
    found: list[str] = field(default_factory=list)
    """Those whose symptom was found."""
    named: list[str] = field(default_factory=list)
    """Those whose cause was named."""
    hidden: list[str] = field(default_factory=list)
    """Those that another fault of the same run keeps from being seen, and that are told as explained by it."""
    explained: list[str] = field(default_factory=list)
    """What else was found or unknown, and is explained by the fault's own finding."""
    unexplained: list[str] = field(default_factory=list)
    """What else was found or unknown, and is not: a false alarm."""
    unknown: list[str] = field(default_factory=list)
    """Every check that could not look."""
    lied: list[str] = field(default_factory=list)
    """Checks from which something was taken that they need, and that are not unknown."""
    leaks: list[str] = field(default_factory=list)
    """Secrets that stand in some output, by name, and where."""
    first: list[str] = field(default_factory=list)
    """What was wrong when it was first looked at, where it was looked at twice."""
    roots: list[str] = field(default_factory=list)
    run_s: float = 0.0
    """Wall time of the whole run with all faults of its round, start-up included: when the answer is on the screen."""
    check_s: float = 0.0
    """How long the check of the first fault took to name its cause."""

    @property
    def own(self) -> list[str]:
        """The checks that the faults are about."""
        return [f"{name.partition(':')[0]}[{name.rpartition('@')[2]}]" for name in self.faults]

    @property
    def wrong(self) -> list[str]:
        """What is not as it should be, in words."""
        faults = [name for name in self.faults if ":" in name]  # a source has no cause
        not_named = set(faults) - {*self.named, *self.hidden}
        return [
            *(f"not named: {name}" for name in sorted(not_named)),
            *(f"claimed: {claim}" for claim in self.unexplained),
            *(f"not unknown: {name}" for name in self.lied),
            *(f"leaked: {leak}" for leak in self.leaks),
        ]

    def plain(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in ([], 0)}


def judged(changes: Sequence[Change], document: dict[str, Any], run_s: float, idle: Iterable[str] = ()) -> Row:
    """A row from a results document: what is said about the system of these faults, and about idle ones.

    Idle systems had no fault in this run: whatever is claimed about them is a false alarm.
    """
    row = Row([change.full_name for change in changes], run_s=round(run_s, 2))
    theirs = {change.system for change in changes}
    by_name = {f"{r['symptom']}[{r['system']}]": r for r in document["results"] if r["system"] in {*theirs, *idle}}
    row.roots = [root for root in document["roots"] if _bare(root) in by_name]
    row.unknown = [name for name, result in by_name.items() if result["outcome"] == "unknown"]
    own = {_name(change): change for change in changes}
    family = set(own)
    for name, change in own.items():
        result = by_name[name]
        causes = {finding["cause"] for finding in result["findings"]}
        # What explains a fault's own finding is the same trouble, told by its gravest part.
        family |= {_bare(finding["explained_by"]) for finding in result["findings"] if finding["explained_by"]}
        if result["outcome"] == "found":
            row.found.append(change.full_name)
        if change.name.partition(":")[2] in causes:
            row.named.append(change.full_name)
        row.check_s = row.check_s or round(result["duration_s"], 3)
    for name, root, told in _claims(by_name.values()):
        if name in own:
            continue
        if _bare(root) in family or name in family:
            row.explained.append(name)
        else:
            row.unexplained.append(f"{name} {told}")
    row.hidden = [
        c.full_name for n, c in own.items() if c.full_name not in row.named and _is_hidden(by_name[n], family)
    ]
    return row


def without_source(outage: Change, document: dict[str, Any], run_s: float) -> Row:
    """A row of a run from which a source or a privilege was taken away."""
    outcomes = {
        f"{r['symptom']}[{r['system']}]": r["outcome"] for r in document["results"] if r["system"] == outage.system
    }
    row = Row([outage.full_name], run_s=round(run_s, 2))
    row.roots = [root for root in document["roots"] if _bare(root) in outcomes]
    row.unknown = [name for name, outcome in outcomes.items() if outcome == "unknown"]
    row.lied = [name for name in (f"{s}[{outage.system}]" for s in outage.hides) if outcomes.get(name) != "unknown"]
    return row


def _claims(results: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """What is found or unknown, the root that it is part of (its own name where it is one), and what is said of it."""
    for result in results:
        name = f"{result['symptom']}[{result['system']}]"
        for finding in result["findings"]:
            yield name, finding["explained_by"] or name, f"found {finding['cause']}: {finding['seen']}"
        if result["outcome"] == "unknown":
            yield name, result["explained_by"] or name, f"unknown: {result['reason']}"


def _is_hidden(result: dict[str, Any], family: set[str]) -> bool:
    if result["outcome"] == "unknown":
        return _bare(result["explained_by"] or "") in family
    return any(_bare(finding["explained_by"] or "") in family for finding in result["findings"])


def _name(change: Change) -> str:
    return f"{change.name.partition(':')[0]}[{change.system}]"


def _bare(name: str) -> str:
    """Without the subject."""
    return name.partition("#")[0]
