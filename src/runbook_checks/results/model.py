"""The result of a check and its findings: created once, where the check ran, and read by every report.

Their free text is redacted and shortened, and their remedies are filled in, before they are created. They are immutable
and compared by identity, since the analysis after the run is keyed by them (results.analysis).
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
    """A symptom found on one subject, with its cause and remedy."""

    subject: str | None
    severity: str
    cause: str | None
    seen: str
    wanted: str
    because: str
    remedy: Sequence[str]
    evidence: Mapping[str, JSON]
    candidates: Sequence[str] = ()
    """The causes that fit the evidence, if it does not prove one."""
    ruled_out: Mapping[str, str] = field(default_factory=dict)
    """The causes that do not fit, each with the reason."""
    says: Sequence[str] = ()
    """The regular expressions in explanations that match its text before redaction."""
    words: str = ""
    """Its text, if an explanation searches it for names."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """A reading that a probe took for a check."""

    title: str
    started: float
    duration_s: float
    facts: Mapping[str, JSON]
    pictures: Mapping[str, str]
    """PNG in base64, by name."""
    certificate: str | None = None
    """The address of the certificate, if it is the reading of one."""
    expires: float | None = None
    """When that certificate expires (epoch s)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """The outcome of one check on one system."""

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
    """The subjects without a reading, if an unknown is about some of many."""
    evidence: Mapping[str, JSON] = field(default_factory=dict)
    """The name server that gave no answer, if that is why a result is unknown."""
    says: Sequence[str] = ()
    """As in a finding, for an unknown."""
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
        """Plain data, for the transfer from a worker of pytest-xdist."""
        return vars(self) | {
            "findings": [vars(finding) for finding in self.findings],
            "readings": [vars(reading) for reading in self.readings],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The result from the data of `to_json`."""
        made = {
            "findings": [Finding(**finding) for finding in data["findings"]],
            "readings": [Reading(**reading) for reading in data["readings"]],
        }
        return cls(**{**data, **made})


def carried_by(report: pytest.TestReport) -> Result | None:
    """The result of the check that a report of pytest is about (set by plugin.records)."""
    return getattr(report, "checked", None)
