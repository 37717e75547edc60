"""Judge one run: whether each fault was detected, and whether anything else was reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runbook_checks_lab.registry import Change


@dataclass
class Row:
    """The verdict on one run with one fault, one outage, or several simultaneous faults of a system.

    Checks are named "symptom[system]".
    """

    faults: list[str] = field(default_factory=list)
    """Full names, symptom:cause@system; an outage has no cause."""
    detected: list[str] = field(default_factory=list)
    """Faults whose symptom was found with their cause."""
    hidden: list[str] = field(default_factory=list)
    """Faults that another fault of the run hides, reported as explained by it."""
    explained: list[str] = field(default_factory=list)
    """Other checks that found something or were unknown, explained by the fault's own finding."""
    unexplained: list[str] = field(default_factory=list)
    """The same without an explanation: false alarms."""
    lied: list[str] = field(default_factory=list)
    """Checks that are not unknown although an outage removes what they need."""
    leaks: list[str] = field(default_factory=list)
    """Secrets that appear in some output, by name, with the place."""
    first: list[str] = field(default_factory=list)
    """Deviations of the first run, if there were two."""
    run_s: float = 0.0
    """Wall time of the whole run with all faults of its round, start-up included."""
    check_s: float = 0.0
    """Duration of the first fault's check."""

    @property
    def wrong(self) -> list[str]:
        """Return the deviations as sentences."""
        faults = [name for name in self.faults if ":" in name]
        undetected = set(faults) - {*self.detected, *self.hidden}
        return [
            *(f"not detected: {name}" for name in sorted(undetected)),
            *(f"false alarm: {claim}" for claim in self.unexplained),
            *(f"not unknown: {name}" for name in self.lied),
            *(f"leaked: {leak}" for leak in self.leaks),
        ]


def judged(changes: Sequence[Change], document: dict[str, Any], run_s: float, idle: Iterable[str] = ()) -> Row:
    """Return the verdict for a results document, on the system of these faults and on idle systems.

    Idle systems had no fault in this run, so any report about them is a false alarm.
    """
    row = Row([change.full_name for change in changes], run_s=run_s)
    theirs = {change.system for change in changes}
    by_name = {f"{r['symptom']}[{r['system']}]": r for r in document["results"] if r["system"] in {*theirs, *idle}}
    own = {_name(change): change for change in changes}
    family = set(own)
    for name, change in own.items():
        result = by_name[name]
        causes = {finding["cause"] for finding in result["findings"]}
        # A result that explains the fault's own finding is the same problem, reported by its most severe part.
        family |= {_bare(finding["explained_by"]) for finding in result["findings"] if finding["explained_by"]}
        if change.name.partition(":")[2] in causes:
            row.detected.append(change.full_name)
        row.check_s = row.check_s or result["duration_s"]
    for name, root, claim in _claims(by_name.values()):
        if name in own:
            continue
        if _bare(root) in family or name in family:
            row.explained.append(name)
        else:
            row.unexplained.append(f"{name} {claim}")
    row.hidden = [
        c.full_name for n, c in own.items() if c.full_name not in row.detected and _is_hidden(by_name[n], family)
    ]
    return row


def without_source(outage: Change, document: dict[str, Any]) -> Row:
    """Return the verdict on a run in which a source or a privilege was missing."""
    outcomes = {
        f"{r['symptom']}[{r['system']}]": r["outcome"] for r in document["results"] if r["system"] == outage.system
    }
    hidden = [f"{symptom}[{outage.system}]" for symptom in outage.hides]
    return Row([outage.full_name], lied=[name for name in hidden if outcomes.get(name) != "unknown"])


def _claims(results: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield each finding and each unknown: the check, its root cause (itself if it is one), and the message."""
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
    """Return the name without the subject."""
    return name.partition("#")[0]
