"""Attach the result of a check to pytest's report, in the process where the check ran.

`report.checked` is a results.model.Result, and is transferred from workers of pytest-xdist as JSON. A worker sends
`report.begun` with the symptom and severity before a check runs, for the case that the worker crashes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.plugin.result_maker import ResultMaker
from runbook_checks.plugin.run import run_of
from runbook_checks.plugin.scheduler import bodies_of
from runbook_checks.plugin.selection import symptom_of, system_of
from runbook_checks.results.model import Result, carried_by

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from runbook_checks.config.run import Run


def _no_text(*_: object) -> str:
    return ""


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    symptom = symptom_of(item)
    if symptom and call.when == "call":
        # pytest's own text requires parsing the source, which raises SystemError in CPython 3.11 if another thread
        # parses at the same time (python/cpython#106905).
        item.repr_failure = _no_text  # type: ignore[assignment, method-assign]
    report = yield
    run = run_of(item.config)
    redact, ours = run.redaction.text, ""
    if symptom and call.when == "setup" and hasattr(item.config, "workerinput"):
        report.begun = symptom, run.systems[system_of(item)].symptoms[symptom].severity  # type: ignore[attr-defined]
    if symptom and (call.when == "call" or (call.when == "setup" and not report.passed)):
        result = _reported(item, call, report, run)
        report.checked = result  # type: ignore[attr-defined]
        report.duration = result.duration_s
        ours = _text(result) if result.outcome in ("found", "unknown") else ""
    report.longrepr = ours or _redacted(report.longrepr, redact)
    report.sections = [(name, redact(text)) for name, text in report.sections]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(report: pytest.TestReport) -> Generator[None, dict[str, Any], dict[str, Any]]:
    data, result = (yield), carried_by(report)
    return data | {"checked": result.to_json()} if result else data


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if "checked" in data:
        report.checked = Result.from_json(data["checked"])  # type: ignore[attr-defined]
    return report


def _redacted(longrepr: Any, redact: Callable[[str], str]) -> Any:
    """The error or skip reason of a report as redacted text."""
    if isinstance(longrepr, tuple):
        path, line, reason = longrepr
        return path, line, redact(reason)
    return None if longrepr is None else redact(str(longrepr))


def _reported(item: Any, call: pytest.CallInfo[None], report: pytest.TestReport, run: Run) -> Result:
    bodies = bodies_of(item.config)
    body = bodies.bodies.get(item.nodeid) if bodies else None
    make = ResultMaker(item, run)
    result = make.of_readings(body) if body else make.of_times(call.start, call.duration)
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return replace(result, outcome="skipped", reason=run.redaction.text(reason.removeprefix("Skipped: ")))
    return make.with_outcome(result, call.excinfo.value if call.excinfo else None)


def _text(result: Result) -> str:
    """The text shown instead of a traceback: one line for each finding."""
    head = f"{result.outcome} {result.symptom} [{result.system}]"
    if result.outcome == "unknown":
        return f"{head}: {result.reason}"
    return "\n".join(f"{head} {f.cause or 'cause unknown'}: {f.seen}; wanted {f.wanted}" for f in result.findings)
