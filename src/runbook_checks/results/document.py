"""The results document of a run, as JSON (schema in results.schema.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runbook_checks.config.results_document import SCHEMA
from runbook_checks.config.untrusted_text import json_text
from runbook_checks.results.model import Finding
from runbook_checks.results.verdict import counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbook_checks.config.results_document import Document, DocumentFinding, DocumentResult, Remarks
    from runbook_checks.results.analysis import Analysis
    from runbook_checks.results.finished_run import FinishedRun
    from runbook_checks.results.model import Result
    from runbook_checks.results.root_graph import Item


def document(finished: FinishedRun) -> Document:
    """The document of a run."""
    checklist = finished.run.checklist
    items = [{"item": i.item, "state": i.state, "symptoms": i.symptoms} for i in finished.items]
    return {
        "schema": SCHEMA,
        "run": _run(finished),
        "counts": counts(finished.results),
        "roots": [root.name for root in finished.analysis.roots],
        "checklist": checklist and {"name": checklist[1], "system": checklist[0], "items": items},
        "results": [_result(result, finished.analysis) for result in finished.results],
    }


def _run(finished: FinishedRun) -> dict[str, Any]:
    run = finished.run
    return {
        "id": run.id,
        "environment": run.environment.name,
        "started": run.started_text,
        "duration_s": finished.duration_s,
        "selection": run.selection,
        "gate": run.gate,
        "exit_code": finished.code,
        **({"baseline": run.baseline["run"]["id"]} if run.baseline else {}),
        **({"settled_s": run.settling.took_s} if run.settling else {}),
    }


def _result(result: Result, analysis: Analysis) -> DocumentResult:
    return {
        "symptom": result.symptom,
        "system": result.system,
        "severity": result.severity,
        "outcome": result.outcome,
        "check": result.check,
        "duration_s": round(result.duration_s, 4),
        "attempts": result.attempts,
        "findings": [_finding(finding, analysis) for finding in result.findings],
        "reason": result.reason,
        "resource": result.resource if result.outcome == "unknown" else None,
        "explained_by": analysis.explained_by.get(result),
        **_remarks(result, analysis),
    }


def _finding(finding: Finding, analysis: Analysis) -> DocumentFinding:
    return {
        "subject": finding.subject,
        "severity": finding.severity,
        "cause": finding.cause,
        "explained_by": analysis.explained_by.get(finding),
        "seen": finding.seen,
        "wanted": finding.wanted,
        "because": finding.because,
        "remedy": finding.remedy,
        "evidence": finding.evidence,
        **_remarks(finding, analysis),
    }


def _remarks(item: Item, analysis: Analysis) -> Remarks:
    remarks: Remarks = {}
    if isinstance(item, Finding) and item in analysis.not_counted:
        remarks["not_counted"] = analysis.not_counted[item]
    alternatives = analysis.alternatives(item)
    if alternatives.candidates:
        remarks["candidates"] = _reasons(alternatives.candidates)
    if alternatives.ruled_out:
        remarks["ruled_out"] = _reasons(alternatives.ruled_out)
    return remarks


def _reasons(of: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"what": what, "because": because} for what, because in of.items()]


def as_text(value: Document) -> str:
    """The text of a file, or of what is printed: --results /dev/stdout."""
    return json_text(json.dumps(value, indent=1, ensure_ascii=False)) + "\n"
