"""The results document: everything a run told, as JSON (schema in results.schema.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runbook_checks.config.untrusted_text import json_text
from runbook_checks.results.verdict import counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runbook_checks.results.model import Finding, Result, Rivals
    from runbook_checks.results.roots import Root
    from runbook_checks.results.verdict import Ticked

SCHEMA = 1


def document(
    run: dict[str, Any],
    results: list[Result],
    roots: Iterable[Root],
    checklist: tuple[str, str] | None,
    items: Iterable[Ticked],
) -> dict[str, Any]:
    """The document of a run; `run` is its own part of it."""
    return {
        "schema": SCHEMA,
        "run": run,
        "counts": counts(results),
        "roots": [root.name for root in roots],
        "checklist": checklist
        and {"name": checklist[1], "system": checklist[0], "items": [item.plain() for item in items]},
        "results": [_result(result) for result in results],
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "symptom": result.symptom,
        "system": result.system,
        "severity": result.severity,
        "outcome": result.outcome,
        "check": result.check,
        "duration_s": round(result.duration_s, 4),
        "attempts": result.attempts,
        "findings": [_finding(finding) for finding in result.findings],
        "reason": result.reason,
        "resource": result.resource if result.outcome == "unknown" else None,
        "explained_by": result.explained_by,
        **_rivals(result.rivals),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    names = (
        "subject",
        "severity",
        "cause",
        "explained_by",
        "seen",
        "wanted",
        "because",
        "remedy",
        "evidence",
    )
    told = {name: getattr(finding, name) for name in names}
    return told | ({"not_counted": finding.not_counted} if finding.not_counted else {}) | _rivals(finding.rivals)


def _rivals(rivals: Rivals) -> dict[str, Any]:
    """Only where there is something to tell of what else may be behind it."""
    told = {name: getattr(rivals, name) for name in ("candidates", "ruled_out")}
    return {name: [{"what": w, "because": b} for w, b in said.items()] for name, said in told.items() if said}


def as_text(value: dict[str, Any]) -> str:
    """As a file, or printed: --results /dev/stdout."""
    return json_text(json.dumps(value, indent=1, ensure_ascii=False)) + "\n"
