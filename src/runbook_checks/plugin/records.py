"""How did a check go? Its outcome as plain data on pytest's report, which every report is made from.

`report.record` holds: symptom, system, severity, outcome, check, started, duration_s, attempts, findings, reason,
resource, needs, readings, and what the explanations look for in its words. It crosses from pytest-xdist's workers as
JSON, without secrets: its free text is redacted here (plugin.record_redaction), where they are known.

A worker's `report.begun` comes before a check runs, and has its symptom, system, severity and needs: should the process
die, the check is known.
"""

from __future__ import annotations

import base64
import re
import traceback
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.runbook import WORDWISE
from runbook_checks.handles import Handle
from runbook_checks.locations import is_ours, shown
from runbook_checks.plugin.record_redaction import MAX_TEXT, NAMES, SPARE, WORDS, redacted
from runbook_checks.plugin.run import run_of
from runbook_checks.plugin.scheduler import bodies_of
from runbook_checks.plugin.selection import symptom_of, system_of
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.verdicts import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from runbook_checks.config.run import Run
    from runbook_checks.config.runbook import Explanations
    from runbook_checks.plugin.body import Body


MAX_ENTRIES = 200


def _no_text(*_: object) -> str:
    return ""


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if symptom_of(item) and call.when == "call":
        # Our text takes the place of pytest's, which parses the source for it: CPython 3.11 raises SystemError where
        # another thread parses, too (python/cpython#106905).
        item.repr_failure = _no_text  # type: ignore[assignment, method-assign]
    report = yield
    run = run_of(item.config)
    redact, ours = run.redaction.text, ""
    if symptom_of(item) and call.when == "setup" and hasattr(item.config, "workerinput"):
        report.begun = _begun(item, run)  # type: ignore[attr-defined]
    if symptom_of(item) and (call.when == "call" or (call.when == "setup" and not report.passed)):
        record = redacted(_record(item, call, report, run), run.redaction)
        report.record = record  # type: ignore[attr-defined]
        report.duration = record["duration_s"]
        ours = _text(record) if record["outcome"] in ("found", "unknown") else ""
    report.longrepr = ours or _hushed(report.longrepr, redact)
    report.sections = [(name, redact(text)) for name, text in report.sections]
    return report


def pytest_runbook_checks_redact(config: pytest.Config, record: dict[str, Any]) -> dict[str, Any]:
    return redacted(record, run_of(config).redaction)


def _hushed(longrepr: Any, redact: Callable[[str], str]) -> Any:
    """What a report says went wrong, or why it was skipped, as text without secrets."""
    if isinstance(longrepr, tuple):
        path, line, reason = longrepr
        return path, line, redact(reason)
    return None if longrepr is None else redact(str(longrepr))


def _record(item: Any, call: pytest.CallInfo[None], report: pytest.TestReport, run: Run) -> dict[str, Any]:
    bodies = bodies_of(item.config)
    body = bodies.bodies.get(item.nodeid) if bodies else None
    record = _begun(item, run) | (_timed(body) if body else {"started": call.start, "duration_s": call.duration})
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return record | {"outcome": "skipped", "reason": reason.removeprefix("Skipped: ")}
    return record | _outcome(call.excinfo.value if call.excinfo else None, record["symptom"], run)


def told(item: Any, body: Body, run: Run) -> dict[str, Any]:
    """The record of a body, before pytest has come to its item."""
    record = _begun(item, run) | _timed(body)
    return redacted(record | _outcome(body.error, record["symptom"], run), run.redaction)


def _begun(item: Any, run: Run) -> dict[str, Any]:
    name, system = symptom_of(item) or "", system_of(item)
    given = run.systems[system].given
    handles = [value for value in item.callspec.params.values() if isinstance(value, Handle)]
    return {
        "symptom": name,
        "system": system,
        "severity": run.systems[system].symptoms[name].severity,
        "outcome": "clear",
        "check": item.nodeid,
        "attempts": 1,
        "findings": [],
        "reason": None,
        "resource": None,
        "needs": sorted({need for handle in handles for need in handle.used(given)}),
        "why": (item.function.__doc__ or "").strip().split("\n\n")[0],
        "readings": [],
    }


def _timed(body: Body) -> dict[str, Any]:
    return {
        "started": body.started,
        "duration_s": round(body.duration_s, 6),
        "attempts": max([1, *(r.facts.get("attempts", 1) for r in body.readings)]),
        "readings": [_step(reading) for reading in body.readings],
    }


def _outcome(error: BaseException | None, symptom: str, run: Run) -> dict[str, Any]:
    if error is None:
        return {}
    words = _words(run.files.explanations, symptom)
    if isinstance(error, Found):
        return {"outcome": "found", "findings": [_finding(found, words) for found in error.findings]}
    if isinstance(error, NoReading):
        return {
            "outcome": "unknown",
            "reason": error.reason,
            "resource": error.resource or None,
            "attempts": error.attempts,
            "kind": error.kind,
            "subjects": list(error.evidence.get("subjects", ())),
            "evidence": {name: error.evidence[name] for name in (*NAMES, *WORDS) if name in error.evidence},
            **words(error.reason),
        }
    what = f"the check itself failed: {_failure(error, run)}"
    return {
        "outcome": "unknown",
        "reason": what,
        "resource": None,
        "trace": "".join(traceback.format_tb(error.__traceback__)),
        **words(what),
    }


def _failure(error: BaseException, run: Run) -> str:
    """An error in a check, in one line, with the place in our code or in the check that it came from."""
    if isinstance(error, pytest.FixtureLookupError):
        name = error.argname
        return f"its parameter {name} is no fixture, and its annotation is no handle that the module imports to run"
    frames = traceback.extract_tb(error.__traceback__)
    checks = run.files.suite and run.files.suite / "checks"
    team = [f for f in frames if checks and Path(f.filename).is_relative_to(checks)]
    ours = [f for f in frames if is_ours(f.filename)]
    place = f"({shown(ours[-1].filename)}:{ours[-1].lineno})" if ours else ""
    if team and checks:
        place = f"({Path(team[-1].filename).relative_to(checks.parent)}:{team[-1].lineno})"
    # Before all but the first line is left out, and that is cut.
    first_line = (run.redaction.text(str(error)).splitlines() or [""])[0]
    return f"{type(error).__name__}: {one_line(first_line)} {place}".rstrip()


def _words(explanations: Explanations, symptom: str) -> Callable[[str], dict[str, Any]]:
    """Of words that are not redacted yet, what the explanations find there: a secret must not hide what explains it."""
    patterns = sorted(explanations.looked_for(symptom))
    asks = explanations.asks_for_names(symptom)

    def of(said: str) -> dict[str, Any]:
        return {"says": [p for p in patterns if re.search(p, said, WORDWISE)], "words": said if asks else ""}

    return of


def _finding(found: Found, words: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    evidence = {name: _plain(value) for name, value in found.evidence.items()}
    return {
        "subject": found.subject or None,
        "severity": found.severity,
        "cause": found.cause,
        "seen": found.seen,
        "wanted": found.wanted,
        "candidates": list(found.candidates),
        "ruled_out": dict(found.ruled_out),
        "evidence": evidence,
        **words("\n".join([found.subject or "", one_line(found.seen, MAX_TEXT), *map(str, evidence.values())])),
    }


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, bounded where it has no end."""
    if isinstance(value, dict):
        entries = list(value.items())
        return {_plain(str(name)): _plain(entry) for name, entry in entries[:MAX_ENTRIES]} | _more(entries)
    if isinstance(value, list | tuple | set | frozenset):
        entries = list(value)
        return [_plain(entry) for entry in entries[:MAX_ENTRIES]] + list(_more(entries))
    if isinstance(value, int | None) or (isinstance(value, float) and isfinite(value)):
        return value
    return str(value)[: MAX_TEXT + SPARE]


def _more(entries: list[Any]) -> dict[str, int]:
    left_out = len(entries) - MAX_ENTRIES
    return {"and more": left_out} if left_out > 0 else {}


def _step(reading: Any) -> dict[str, Any]:
    """As text throughout, for it may come from a worker of pytest-xdist."""
    return {
        "title": reading.title,
        "started": reading.started,
        "duration_s": reading.duration_s,
        "facts": _plain(reading.facts),
        "pictures": {name: base64.b64encode(png).decode() for name, png in reading.pictures.items()},
        **_certificate(reading),
    }


def _certificate(reading: Any) -> dict[str, Any]:
    """Whose certificate was looked at, and when it expires (epoch s), for metrics."""
    expires, title = reading.facts.get("not_after"), reading.title
    if not isinstance(expires, str) or not title.startswith("TLS "):
        return {}
    return {"certificate": title.removeprefix("TLS "), "expires": datetime.fromisoformat(expires).timestamp()}


def _text(record: dict[str, Any]) -> str:
    """What goes in place of a traceback: one line for each finding."""
    head = f"{record['outcome']} {record['symptom']} [{record['system']}]"
    if record["outcome"] == "unknown":
        return f"{head}: {record['reason']}"
    return "\n".join(
        f"{head} {f['cause'] or 'cause not told'}: {f['seen']}; wanted {f['wanted']}" for f in record["findings"]
    )
