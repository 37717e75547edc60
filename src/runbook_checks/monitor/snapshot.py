"""The snapshot of one run: the state of each symptom and subject, read from the results document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.config.results_document import Document, DocumentFinding, DocumentResult

# The state of a symptom or source in a run: a root, explained by another, clear, or unknown.
ROOT, EXPLAINED, CLEAR, UNSEEN = "R", "E", "C", "U"
OF_FINDING = ("cause", "seen", "wanted", "because", "remedy", "explained_by")


@dataclass(frozen=True, order=True)
class Key:
    """A symptom on a system, with its subject where it has several; `unreadable:RESOURCE` for a silent source."""

    system: str
    symptom: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.symptom}[{self.system}]" + (f"#{self.subject}" if self.subject else "")


class Details(TypedDict, total=False):
    """The text of messages and the status page: a finding's fields, or the symptoms that need a silent source."""

    cause: str | None
    seen: str
    wanted: str
    because: str
    remedy: Sequence[str]
    explained_by: str | None
    resource: str
    symptoms: list[str]
    explains: list[str]
    """A line for each finding and unknown that a root explains."""


@dataclass
class Seen:
    """A key's state, severity and details in a run."""

    mark: str
    severity: str
    details: Details


@dataclass
class Snapshot:
    """A run's results by key."""

    seen: dict[Key, Seen] = field(default_factory=dict)
    checked: set[tuple[str, str]] = field(default_factory=set)
    """Systems and symptoms with a result: clear, or found on some subjects."""
    unseen: set[tuple[str, str]] = field(default_factory=set)

    def mark(self, key: Key, details: Details) -> str:
        """The state of a key from an earlier run; empty where this run did not include it."""
        if key in self.seen:
            return self.seen[key].mark
        names = details.get("symptoms") or [key.symptom]
        if any((key.system, name) in self.unseen for name in names) and not key.symptom.startswith("unreadable:"):
            return UNSEEN
        return CLEAR if any((key.system, name) in self.checked for name in names) else ""


def snapshot_of(document: Document) -> Snapshot:
    """The snapshot in a results document."""
    shown = Snapshot()
    for result in document["results"]:
        place = (result["system"], result["symptom"])
        if result["outcome"] in ("clear", "found"):
            shown.checked.add(place)
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


def _finding(shown: Snapshot, key: Key, finding: DocumentFinding) -> None:
    mark = ROOT if finding["explained_by"] is None else EXPLAINED
    details = {name: finding.get(name) for name in OF_FINDING} | {"explains": []}
    seen = Seen(mark, finding["severity"], cast("Details", details))
    before = shown.seen.get(key)
    # Several findings about one subject have one key: a root first, then the gravest, represents them.
    if before is None or (mark == ROOT, before.severity) > (before.mark == ROOT, seen.severity):
        shown.seen[key] = seen


def _unknown(shown: Snapshot, result: DocumentResult) -> None:
    explained = result["explained_by"]
    if explained is None or explained.startswith("unreadable:"):
        name = explained or f"unreadable:{result['resource']}[{result['system']}]"
        _silent(shown, name, result, result["severity"], result["reason"] or "")


def _silent(shown: Snapshot, name: str, result: DocumentResult, severity: str, seen: str) -> None:
    """Add a source that gave no answer, from one of the results that it explains."""
    symptom, _, system = name.rstrip("]").partition("[")
    key = Key(system, symptom)
    details: Details = {"seen": seen, "resource": symptom.partition(":")[2], "symptoms": [], "explains": []}
    root = shown.seen.setdefault(key, Seen(ROOT, severity, details))
    root.severity = min(root.severity, severity)
    if result["system"] == system:
        root.details["symptoms"].append(result["symptom"])


def _explained(roots: dict[str, Seen], result: DocumentResult) -> None:
    """Add what a root explains to the root's list."""
    if result["outcome"] == "unknown":
        _add(roots, result["explained_by"], f"{result['severity']} {result['symptom']} (unknown)")
    for finding in result["findings"]:
        subject = f" {finding['subject']}" if finding["subject"] else ""
        _add(roots, finding["explained_by"], f"{finding['severity']} {result['symptom']}{subject}")


def _add(roots: dict[str, Seen], name: str | None, line: str) -> None:
    root = roots.get(name or "")
    if root and line not in root.details["explains"]:
        root.details["explains"].append(line)
