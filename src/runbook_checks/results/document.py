"""The results document of a run, as JSON (schema in results.schema.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runbook_checks.config.results_document import SCHEMA
from runbook_checks.config.untrusted_text import json_text
from runbook_checks.results.verdict import counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbook_checks.config.results_document import JSON
    from runbook_checks.results.analysis import Analysis
    from runbook_checks.results.finished_run import FinishedRun
    from runbook_checks.results.model import Finding, Result
    from runbook_checks.results.root_graph import Observation

_OF_RESULT = ("symptom", "system", "severity", "outcome", "check", "duration_s", "attempts", "findings", "reason")
_OF_FINDING = ("subject", "severity", "cause", "explained_by", "seen", "wanted", "because", "remedy", "evidence")


def document(finished: FinishedRun) -> dict[str, Any]:
    """The document of a run."""
    run, analysis = finished.run, finished.analysis
    about = {
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
    return {
        "schema": SCHEMA,
        "run": about,
        "counts": counts(finished.results),
        "roots": [root.name for root in analysis.roots],
        "checklist": run.checklist
        and {"name": run.checklist[1], "system": run.checklist[0], "items": [vars(item) for item in finished.items]},
        "results": [_result(result, analysis) for result in finished.results],
    }


def _result(result: Result, analysis: Analysis) -> dict[str, JSON]:
    values = vars(result) | {
        "duration_s": round(result.duration_s, 4),
        "findings": [_finding(finding, analysis) for finding in result.findings],
    }
    return {
        **{name: values[name] for name in _OF_RESULT},
        "resource": result.resource if result.outcome == "unknown" else None,
        "explained_by": analysis.explained_by.get(result),
        **_alternatives(result, analysis),
    }


def _finding(finding: Finding, analysis: Analysis) -> dict[str, JSON]:
    values = {**vars(finding), "explained_by": analysis.explained_by.get(finding)}
    return {
        **{name: values[name] for name in _OF_FINDING},
        **({"not_counted": analysis.not_counted[finding]} if finding in analysis.not_counted else {}),
        **_alternatives(finding, analysis),
    }


def _alternatives(observation: Observation, analysis: Analysis) -> Mapping[str, JSON]:
    """The keys for alternatives, where there are any."""
    both = vars(analysis.alternatives(observation))
    return {name: [{"what": w, "because": b} for w, b in said.items()] for name, said in both.items() if said}


def as_text(value: dict[str, Any]) -> str:
    """The document as text for a file or a stream (--results /dev/stdout)."""
    return json_text(json.dumps(value, indent=1, ensure_ascii=False)) + "\n"
