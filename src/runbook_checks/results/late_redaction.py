"""Redact results once more, when a secret became known after they were made.

A check may resolve a {file:} or {command:} reference, read a service's dotenv file or log in after an earlier result
has quoted the value.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbook_checks.config.redaction import Redaction
    from runbook_checks.config.results_document import JSON
    from runbook_checks.results.model import Finding, Result

# Roots identify a shared host or resolver by these; the state is our own word.
NAMES = ("host", "resolver")
WORDS = ("resolver_state",)


def redacted_again(result: Result, redaction: Redaction) -> Result:
    """The result without any secret that is known now."""
    text, name = redaction.text, redaction.name
    return replace(
        result,
        findings=[_finding(finding, redaction) for finding in result.findings],
        reason=None if result.reason is None else text(result.reason),
        subjects=[name(subject) for subject in result.subjects],
        evidence=_evidence(result.evidence, redaction),
        words=name(result.words),
        trace=text(result.trace),
        readings=[replace(r, title=text(r.title), facts=redaction.tree(r.facts)) for r in result.readings],
    )


def _finding(finding: Finding, redaction: Redaction) -> Finding:
    text, name = redaction.text, redaction.name
    return replace(
        finding,
        subject=finding.subject and name(finding.subject),
        seen=text(finding.seen),
        wanted=text(finding.wanted),
        because=name(finding.because),  # as a name: the runbook's own words stay
        remedy=[name(step) for step in finding.remedy],
        evidence=_evidence(finding.evidence, redaction),
        ruled_out={cause: text(why) for cause, why in finding.ruled_out.items()},
        words=name(finding.words),
    )


def _evidence(values: Mapping[str, JSON], redaction: Redaction) -> dict[str, JSON]:
    return {key: redacted_leaf(key, value, redaction) for key, value in values.items()}


def redacted_leaf(key: str, value: JSON, redaction: Redaction) -> JSON:
    """A value of evidence without secrets; hosts and resolvers are redacted as names."""
    if key in WORDS:
        return value
    leaf: JSON = redaction.name(value) if key in NAMES and isinstance(value, str) else redaction.tree(value)
    return leaf
