"""The result of a check and its findings: made once, where the check ran, and read by every report.

Their free text is redacted and cut, and their remedies are filled in, before they are made. They are immutable, and
compared and hashed by identity: what is worked out about them after the run is keyed by them (results.analysis).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks.config.runbook import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

    from runbook_checks.config.results_document import JSON

OUTCOMES = ("clear", "found", "unknown", "skipped")


def grave(severity: str, gate: str) -> bool:
    """Whether a severity is at a gate or graver (P0 is the gravest)."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(gate)


@dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """One symptom seen on one subject, with its cause and what to do."""

    subject: str | None
    severity: str
    cause: str | None
    seen: str
    wanted: str
    because: str
    remedy: Sequence[str]
    evidence: Mapping[str, JSON]
    candidates: Sequence[str] = ()
    """Where the evidence does not single out a cause: those that fit it."""
    ruled_out: Mapping[str, str] = field(default_factory=dict)
    """The causes that do not fit, with why."""
    says: Sequence[str] = ()
    """The regular expressions of explanations that match its words; matched before redaction."""
    words: str = ""
    """Its words, where an explanation looks for names in them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """What a probe read for a check."""

    title: str
    started: float
    duration_s: float
    facts: Mapping[str, JSON]
    pictures: Mapping[str, str]
    """PNG in base64, by name."""
    certificate: str | None = None
    """The address whose certificate was read."""
    expires: float | None = None
    """When that certificate expires (epoch s)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """How one check went on one system."""

    symptom: str
    system: str
    severity: str
    outcome: str
    check: str
    started: float
    duration_s: float
    attempts: int = 1
    findings: Sequence[Finding] = ()
    """The gravest first."""
    reason: str | None = None
    resource: str | None = None
    needs: Sequence[str] = ()
    subjects: Sequence[str] = ()
    """Of an unknown about some of many subjects: those that could not be looked at."""
    evidence: Mapping[str, JSON] = field(default_factory=dict)
    """Of an unknown: what is known of a name server that gave no answer."""
    says: Sequence[str] = ()
    """Of an unknown, as of a finding."""
    words: str = ""
    trace: str = ""
    readings: Sequence[Reading] = ()

    def name(self, subject: str | None = None) -> str:
        """The name that roots and `explained_by` use."""
        return f"{self.symptom}[{self.system}]" + (f"#{subject}" if subject else "")

    @property
    def blocked(self) -> str:
        """The name of a root for a source that gave no answer."""
        return f"unreadable:{self.resource}[{self.system}]"

    def to_json(self) -> dict[str, Any]:
        """Plain data, as it crosses from a worker of pytest-xdist."""
        return vars(self) | {
            "findings": [vars(finding) for finding in self.findings],
            "readings": [vars(reading) for reading in self.readings],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The result that `to_json` made plain."""
        made = {
            "findings": [Finding(**finding) for finding in data["findings"]],
            "readings": [Reading(**reading) for reading in data["readings"]],
        }
        return cls(**{**data, **made})


def carried_by(report: pytest.TestReport) -> Result | None:
    """The result of the check that a report of pytest is about (set by plugin.records)."""
    return getattr(report, "checked", None)
