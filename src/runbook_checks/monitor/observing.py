"""What one run shows of each thing that can go wrong, read from its results document alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.config.results_document import Document, DocumentFinding, DocumentResult

# What a run shows of a thing: a root, explained by another, clear, or unknown.
ROOT, EXPLAINED, CLEAR, UNSEEN = "R", "E", "C", "U"


@dataclass(frozen=True, order=True)
class Key:
    """A symptom on a system, about one subject where it has several; `unreadable:RESOURCE` for a silent source."""

    system: str
    symptom: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.symptom}[{self.system}]" + (f"#{self.subject}" if self.subject else "")


class Details(TypedDict, total=False):
    """What messages and the status page say of it: of a finding as in the document, of a silent source who needs it."""

    cause: str | None
    seen: str
    wanted: str
    because: str
    remedy: Sequence[str]
    explained_by: str | None
    resource: str
    symptoms: list[str]
    explains: list[str]
    """A line for each thing that a root explains."""


@dataclass
class Seen:
    """What a run showed of it."""

    mark: str
    severity: str
    details: Details


@dataclass
class Look:
    """A run's results, by what they are about."""

    seen: dict[Key, Seen] = field(default_factory=dict)
    looked: set[tuple[str, str]] = field(default_factory=set)
    """Systems and symptoms that were looked at: clear, or found on some subjects."""
    unseen: set[tuple[str, str]] = field(default_factory=set)

    def mark(self, key: Key, details: Details) -> str:
        """What the run shows of something that was there before; nothing where it had no part in the run."""
        if key in self.seen:
            return self.seen[key].mark
        names = details.get("symptoms") or [key.symptom]
        if any((key.system, name) in self.unseen for name in names) and not key.symptom.startswith("unreadable:"):
            return UNSEEN
        return CLEAR if any((key.system, name) in self.looked for name in names) else ""


def look(document: Document) -> Look:
    """What a results document shows."""
    shown = Look()
    for result in document["results"]:
        place = (result["system"], result["symptom"])
        if result["outcome"] in ("clear", "found"):
            shown.looked.add(place)
        if result["outcome"] == "unknown":
            shown.unseen.add(place)
            _unknown(shown, result)
        for finding in result["findings"]:
            _finding(shown, Key(*place, finding["subject"] or ""), finding)
            explained = finding["explained_by"] or ""
            if explained.startswith("unreadable:"):
                _silent(shown, explained, result, finding["severity"], finding["seen"])
    roots = {str(key): seen for key, seen in shown.seen.items() if seen.mark == ROOT}
    for result in document["results"]:
        _explained(roots, result)
    return shown


def _finding(shown: Look, key: Key, finding: DocumentFinding) -> None:
    mark = ROOT if finding["explained_by"] is None else EXPLAINED
    details: Details = {
        "cause": finding["cause"],
        "seen": finding["seen"],
        "wanted": finding["wanted"],
        "because": finding["because"],
        "remedy": finding["remedy"],
        "explained_by": finding["explained_by"],
        "explains": [],
    }
    seen = Seen(mark, finding["severity"], details)
    before = shown.seen.get(key)
    # Several findings about one subject are one thing, and the gravest stands for it.
    if before is None or (mark == ROOT, before.severity) > (before.mark == ROOT, seen.severity):
        shown.seen[key] = seen


def _unknown(shown: Look, result: DocumentResult) -> None:
    explained = result["explained_by"]
    if explained is None or explained.startswith("unreadable:"):
        name = explained or f"unreadable:{result['resource']}[{result['system']}]"
        _silent(shown, name, result, result["severity"], result["reason"] or "")


def _silent(shown: Look, name: str, result: DocumentResult, severity: str, seen: str) -> None:
    """A source that gave no answer, from one of the results that it is to blame for."""
    symptom, _, system = name.rstrip("]").partition("[")
    key = Key(system, symptom)
    details: Details = {"seen": seen, "resource": symptom.partition(":")[2], "symptoms": [], "explains": []}
    root = shown.seen.setdefault(key, Seen(ROOT, severity, details))
    root.severity = min(root.severity, severity)
    if result["system"] == system:
        root.details["symptoms"].append(result["symptom"])


def _explained(roots: dict[str, Seen], result: DocumentResult) -> None:
    """Put what a root explains on the root's list."""
    if result["outcome"] == "unknown":
        _add(roots, result["explained_by"], f"{result['severity']} {result['symptom']} (could not look)")
    for finding in result["findings"]:
        subject = f" {finding['subject']}" if finding["subject"] else ""
        _add(roots, finding["explained_by"], f"{finding['severity']} {result['symptom']}{subject}")


def _add(roots: dict[str, Seen], name: str | None, line: str) -> None:
    root = roots.get(name or "")
    if root and line not in root.details["explains"]:
        root.details["explains"].append(line)
