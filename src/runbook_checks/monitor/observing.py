"""What does one run show of each thing that can go wrong? Read from its results document alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# What a run shows of a thing: a root, explained by another, clear, or that nobody could look.
ROOT, EXPLAINED, CLEAR, UNSEEN = "R", "E", "C", "U"


@dataclass(frozen=True, order=True)
class Key:
    """A symptom on a system, about one subject where it has several; `unreadable:RESOURCE` for a silent source."""

    system: str
    symptom: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.symptom}[{self.system}]" + (f"#{self.subject}" if self.subject else "")


@dataclass
class Seen:
    """What a run showed of it, and what there is to tell."""

    mark: str
    severity: str
    told: dict[str, Any] = field(default_factory=dict)


@dataclass
class Look:
    """A run's results, by what they are about."""

    seen: dict[Key, Seen] = field(default_factory=dict)
    looked: set[tuple[str, str]] = field(default_factory=set)
    """Systems and symptoms that were looked at: clear, or found on some subjects."""
    unseen: set[tuple[str, str]] = field(default_factory=set)

    def mark(self, key: Key, told: dict[str, Any]) -> str:
        """What the run shows of something that was there before; nothing where it had no part in the run."""
        if key in self.seen:
            return self.seen[key].mark
        names = told.get("symptoms") or [key.symptom]
        if any((key.system, name) in self.unseen for name in names) and not key.symptom.startswith("unreadable:"):
            return UNSEEN
        return CLEAR if any((key.system, name) in self.looked for name in names) else ""


def look(document: dict[str, Any]) -> Look:
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
            if (finding["explained_by"] or "").startswith("unreadable:"):
                _silent(shown, finding["explained_by"], result, finding["severity"], finding["seen"])
    roots = {str(key): seen for key, seen in shown.seen.items() if seen.mark == ROOT}
    for result in document["results"]:
        _explained(roots, result)
    return shown


def _finding(shown: Look, key: Key, finding: dict[str, Any]) -> None:
    mark = ROOT if finding["explained_by"] is None else EXPLAINED
    names = ("cause", "seen", "wanted", "because", "remedy", "explained_by")
    seen = Seen(mark, finding["severity"], {name: finding[name] for name in names} | {"explains": []})
    before = shown.seen.get(key)
    # Several findings about one subject are one thing, told by the gravest.
    if before is None or (mark == ROOT, before.severity) > (before.mark == ROOT, seen.severity):
        shown.seen[key] = seen


def _unknown(shown: Look, result: dict[str, Any]) -> None:
    explained = result["explained_by"]
    if explained is None or explained.startswith("unreadable:"):
        name = explained or f"unreadable:{result['resource']}[{result['system']}]"
        _silent(shown, name, result, result["severity"], result["reason"])


def _silent(shown: Look, name: str, result: dict[str, Any], severity: str, seen: str) -> None:
    """A source that nobody could read, from one of the results that it is to blame for."""
    symptom, _, system = name.rstrip("]").partition("[")
    key = Key(system, symptom)
    told = {"seen": seen, "resource": symptom.partition(":")[2], "symptoms": [], "explains": []}
    root = shown.seen.setdefault(key, Seen(ROOT, severity, told))
    root.severity = min(root.severity, severity)
    if result["system"] == system:
        root.told["symptoms"].append(result["symptom"])


def _explained(roots: dict[str, Seen], result: dict[str, Any]) -> None:
    """Put what a root explains on the root's list."""
    if result["outcome"] == "unknown" and result["explained_by"] in roots:
        _add(roots[result["explained_by"]], f"{result['severity']} {result['symptom']} (could not look)")
    for finding in result["findings"]:
        if finding["explained_by"] in roots:
            subject = f" {finding['subject']}" if finding["subject"] else ""
            _add(roots[finding["explained_by"]], f"{finding['severity']} {result['symptom']}{subject}")


def _add(root: Seen, line: str) -> None:
    if line not in root.told["explains"]:
        root.told["explains"].append(line)
