"""What does one run say about the faults that were on: seen, with the right cause, and nothing else claimed?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab.registry import Change


@dataclass
class Row:
    """One run with one fault or several."""

    faults: list[str]
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
    roots: list[str] = field(default_factory=list)
    exit_code: int = 0
    run_s: float = 0.0
    """Wall time of the whole run, start-up included: when an engineer has the answer on the screen."""
    check_s: float = 0.0
    """How long the check of the first fault took to name its cause."""

    @property
    def own(self) -> list[str]:
        """The checks that the faults are about."""
        return [f"{name.partition(':')[0]}[{name.rpartition('@')[2]}]" for name in self.faults]

    def plain(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in ([], 0)}


def judged(changes: Sequence[Change], document: dict[str, Any], run_s: float) -> Row:
    """A row from a results document."""
    row = Row([change.full_name for change in changes], run_s=round(run_s, 2))
    row.roots, row.exit_code = document["roots"], document["run"]["exit_code"]
    by_name = {f"{r['symptom']}[{r['system']}]": r for r in document["results"]}
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
    for name, root in _claims(document):
        if name not in own:
            (row.explained if _bare(root) in family or name in family else row.unexplained).append(name)
    row.hidden = [
        c.full_name for n, c in own.items() if c.full_name not in row.named and _is_hidden(by_name[n], family)
    ]
    return row


def blinded(blind: Change, document: dict[str, Any], run_s: float) -> Row:
    """A row of a run from which a source or a privilege was taken away."""
    outcomes = {f"{r['symptom']}[{r['system']}]": r["outcome"] for r in document["results"]}
    row = Row([blind.full_name], run_s=round(run_s, 2), roots=document["roots"])
    row.unknown = [name for name, outcome in outcomes.items() if outcome == "unknown"]
    row.lied = [name for name in (f"{s}[{blind.system}]" for s in blind.hides) if outcomes.get(name) != "unknown"]
    return row


def _claims(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is found or unknown, and the root that it is part of (its own name where it is one)."""
    for result in document["results"]:
        name = f"{result['symptom']}[{result['system']}]"
        for finding in result["findings"]:
            yield name, finding["explained_by"] or name
        if result["outcome"] == "unknown":
            yield name, result["explained_by"] or name


def _is_hidden(result: dict[str, Any], family: set[str]) -> bool:
    if result["outcome"] == "unknown":
        return _bare(result["explained_by"] or "") in family
    return any(_bare(finding["explained_by"] or "") in family for finding in result["findings"])


def _name(change: Change) -> str:
    return f"{change.name.partition(':')[0]}[{change.system}]"


def _bare(name: str) -> str:
    """Without the subject."""
    return name.partition("#")[0]
