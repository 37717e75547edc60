"""What came out? Findings and results, made once from what the checks told, and read by every report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks.config.runbook import SEVERITIES
from runbook_checks.results.wording import filled

if TYPE_CHECKING:
    from runbook_checks.config.runbook import Symptom

FITS = "fits what was seen"
OUTCOMES = ("clear", "found", "unknown", "skipped")


def grave(severity: str, gate: str) -> bool:
    """Whether a severity is at a gate or graver (P0 is the gravest)."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(gate)


@dataclass
class Rivals:
    """What else may be behind something, and what isn't: causes, or symptoms by the names that roots go by."""

    candidates: dict[str, str] = field(default_factory=dict)
    """Each that fits what was seen, with what is known of it in a few words."""
    ruled_out: dict[str, str] = field(default_factory=dict)
    """Each that doesn't, with why."""


@dataclass
class Finding:
    """One symptom seen on one subject, with its cause and what to do."""

    subject: str | None
    severity: str
    cause: str | None
    seen: str
    wanted: str
    because: str
    remedy: list[str]
    evidence: dict[str, Any]
    explained_by: str | None = None
    not_counted: str | None = None
    """Why it does not count at the gate, where it doesn't."""
    rivals: Rivals = field(default_factory=Rivals)
    says: list[str] = field(default_factory=list)
    """Which of the expressions that explanations look for its words match; told before secrets were taken out."""
    words: str = ""
    """Its words, where an explanation looks for names in them."""


@dataclass
class Result:
    """How one check went on one system."""

    symptom: str
    system: str
    severity: str
    outcome: str
    check: str
    started: float
    duration_s: float
    attempts: int
    reason: str | None
    resource: str | None
    needs: list[str]
    text: Symptom | None
    findings: list[Finding] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    """Of an unknown: what could not be looked at, where it is about some of many."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """Of an unknown: what is known of a name server that told nothing."""
    rivals: Rivals = field(default_factory=Rivals)
    explained_by: str | None = None
    says: list[str] = field(default_factory=list)
    """Of an unknown, as of a finding."""
    words: str = ""
    trace: str = ""
    readings: list[dict[str, Any]] = field(default_factory=list)

    def name(self, subject: str | None = None) -> str:
        """The name that roots and `explained_by` go by."""
        return f"{self.symptom}[{self.system}]" + (f"#{subject}" if subject else "")

    @property
    def blocked(self) -> str:
        """The name of a root for a source that gave no answer."""
        return f"unreadable:{self.resource}[{self.system}]"


def result_of(record: dict[str, Any], text: Symptom | None) -> Result:
    """A Result from the record that a check's report carries; because and remedy come from the runbook."""
    resource = record["resource"]
    if record["outcome"] == "unknown" and not resource:
        needs = record["needs"] if record.get("kind") == "deadline" else []
        resource = next(iter(needs), record["symptom"])
    return Result(
        **{name: record[name] for name in ("symptom", "system", "outcome", "check", "started")},
        **{name: record[name] for name in ("severity", "duration_s", "attempts", "reason", "needs", "readings")},
        resource=resource,
        text=text,
        findings=sorted((_finding(f, record, text) for f in record["findings"]), key=lambda finding: finding.severity),
        subjects=record.get("subjects") or [],
        evidence=record.get("evidence") or {},
        says=record.get("says") or [],
        words=record.get("words", ""),
        trace=record.get("trace", ""),
    )


def _finding(found: dict[str, Any], record: dict[str, Any], text: Symptom | None) -> Finding:
    cause = text.causes.get(found["cause"] or "") if text else None
    candidates = found.get("candidates") or []
    values = {"system": record["system"], "subject": found["subject"] or "", **found["evidence"]}
    return Finding(
        subject=found["subject"],
        severity=found["severity"] or record["severity"],
        cause=found["cause"],
        seen=found["seen"],
        wanted=found["wanted"],
        because=filled(cause.because, values) if cause else _no_because(found["cause"], candidates, text),
        remedy=[filled(step, values) for step in cause.remedy] if cause else [],
        evidence=found["evidence"],
        rivals=Rivals(dict.fromkeys(candidates, FITS), dict(found.get("ruled_out") or {})),
        says=found["says"],
        words=found["words"],
    )


def _no_because(cause: str | None, candidates: list[str], text: Symptom | None) -> str:
    if cause is not None and text is not None:
        from runbook_checks.config.strict_yaml import suggestion

        listed = f"its causes there: {', '.join(text.causes)}" if text.causes else "it lists none for this symptom"
        return f"the check names a cause that the runbook does not list{suggestion(cause, text.causes)}; {listed}"
    if len(candidates) == 1:
        return f"the evidence does not tell the cause; {candidates[0]} alone would fit"
    return "the evidence does not tell " + ("which of several causes it is" if candidates else "the cause")
