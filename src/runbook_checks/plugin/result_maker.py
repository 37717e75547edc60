"""Create the Result of a check, with the runbook's text filled in and free text redacted."""

from __future__ import annotations

import base64
import re
import traceback
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.runbook import WORDWISE
from runbook_checks.config.strict_yaml import suggestion
from runbook_checks.handles import Handle
from runbook_checks.locations import is_ours, shown
from runbook_checks.plugin.record_redaction import MAX_SUBJECT, MAX_TEXT, FreeText, plain
from runbook_checks.plugin.selection import symptom_of, system_of
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.results.late_redaction import NAMES, WORDS
from runbook_checks.results.model import Finding, Reading, Result
from runbook_checks.results.wording import filled
from runbook_checks.verdicts import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.config.run import Run
    from runbook_checks.plugin.body import Body
    from runbook_checks.probes.core import reading as probes_reading


def result_of(item: Any, body: Body, run: Run) -> Result:
    """The result of a body, before pytest reports its item."""
    make = ResultMaker(item, run)
    return make.with_outcome(make.of_readings(body), body.error)


class ResultMaker:
    """Creates the result of one item."""

    def __init__(self, item: Any, run: Run) -> None:
        self.item, self.run, self.free_text = item, run, FreeText(run.redaction)
        self.symptom, self.system = symptom_of(item) or "", system_of(item)
        self.text = run.systems[self.system].symptoms[self.symptom]
        explanations = run.files.explanations
        self._patterns = sorted(explanations.looked_for(self.symptom))
        self._asks_for_names = explanations.asks_for_names(self.symptom)

    def of_times(self, started: float, duration_s: float) -> Result:
        """The result of a clear check."""
        given = self.run.systems[self.system].given
        handles = [value for value in self.item.callspec.params.values() if isinstance(value, Handle)]
        return Result(
            symptom=self.symptom,
            system=self.system,
            severity=self.text.severity,
            outcome="clear",
            check=self.item.nodeid,
            started=started,
            duration_s=duration_s,
            needs=sorted({need for handle in handles for need in handle.used(given)}),
        )

    def of_readings(self, body: Body) -> Result:
        """The same, with the readings of its body."""
        return replace(
            self.of_times(body.started, round(body.duration_s, 6)),
            attempts=max([1, *(reading.facts.get("attempts", 1) for reading in body.readings)]),
            readings=[self._reading(reading) for reading in body.readings],
        )

    def with_outcome(self, result: Result, error: BaseException | None) -> Result:
        """The result of a check that ended with an error, or without one."""
        if error is None:
            return result
        if isinstance(error, Found):
            findings = sorted(map(self._finding, error.findings), key=lambda finding: finding.severity)
            return replace(result, outcome="found", findings=findings)
        if isinstance(error, NoReading):
            known = {name: error.evidence[name] for name in (*NAMES, *WORDS) if name in error.evidence}
            first_need = next(iter(result.needs if error.kind == "deadline" else ()), result.symptom)
            return replace(
                self._unknown(result, error.reason),
                resource=error.resource or first_need,
                attempts=error.attempts,
                subjects=[self.run.redaction.name(subject) for subject in error.evidence.get("subjects", ())],
                evidence=self.free_text.evidence(known),
            )
        trace = self.run.redaction.text("".join(traceback.format_tb(error.__traceback__)))
        return replace(self._unknown(result, f"the check itself failed: {self._failure(error)}"), trace=trace)

    def _unknown(self, result: Result, reason: str) -> Result:
        return replace(
            result,
            outcome="unknown",
            reason=self.run.redaction.text(reason),
            resource=result.symptom,
            says=self._says(reason),
            words=self._words(reason),
        )

    def _failure(self, error: BaseException) -> str:
        """An error in a check as one line, with its place in our code or in the check."""
        if isinstance(error, pytest.FixtureLookupError):
            name = error.argname
            return f"its parameter {name} is not a fixture, and its annotation is not a handle imported at run time"
        frames = traceback.extract_tb(error.__traceback__)
        checks = self.run.files.suite and self.run.files.suite / "checks"
        team = [f for f in frames if checks and Path(f.filename).is_relative_to(checks)]
        ours = [f for f in frames if is_ours(f.filename)]
        place = f"({shown(ours[-1].filename)}:{ours[-1].lineno})" if ours else ""
        if team and checks:
            place = f"({Path(team[-1].filename).relative_to(checks.parent)}:{team[-1].lineno})"
        # Redacted before the text is reduced to its first line and shortened.
        first_line = (self.run.redaction.text(str(error)).splitlines() or [""])[0]
        return f"{type(error).__name__}: {one_line(first_line)} {place}".rstrip()

    def _finding(self, found: Found) -> Finding:
        free_text, cause = self.free_text, self.text.causes.get(found.cause or "")
        plain_evidence = {name: plain(value) for name, value in found.evidence.items()}
        evidence, subject = free_text.evidence(plain_evidence), free_text.subject(found.subject)
        values = {"system": self.system, "subject": subject or "", **evidence}
        said = "\n".join([found.subject or "", one_line(found.seen, MAX_TEXT), *map(str, plain_evidence.values())])
        return Finding(
            subject=subject,
            severity=found.severity or self.text.severity,
            cause=found.cause,
            seen=free_text.sentence(found.seen),
            wanted=free_text.sentence(found.wanted),
            because=filled(cause.because, values) if cause else self._no_because(found),
            remedy=[filled(step, values) for step in cause.remedy] if cause else [],
            evidence=evidence,
            candidates=list(found.candidates),
            ruled_out={name: free_text.sentence(why, MAX_SUBJECT) for name, why in found.ruled_out.items()},
            says=self._says(said),
            words=self._words(said),
        )

    def _no_because(self, found: Found) -> str:
        if found.cause is not None:
            listed = ", ".join(self.text.causes)
            more = f"its causes: {listed}" if listed else "it lists no cause for this symptom"
            near = suggestion(found.cause, self.text.causes)
            return f"the check names a cause that the runbook does not list{near}; {more}"
        return _not_proven(found.candidates)

    def _says(self, said: str) -> list[str]:
        """The patterns of explanations that match the text before redaction, which could remove the match."""
        return [pattern for pattern in self._patterns if re.search(pattern, said, WORDWISE)]

    def _words(self, said: str) -> str:
        return self.run.redaction.name(said) if self._asks_for_names else ""

    def _reading(self, reading: probes_reading.Reading) -> Reading:
        expires, title = reading.facts.get("not_after"), reading.title
        has_certificate = isinstance(expires, str) and title.startswith("TLS ")
        return Reading(
            title=self.run.redaction.text(title),
            started=reading.started,
            duration_s=reading.duration_s,
            facts=self.free_text.facts(plain(reading.facts)),
            pictures={name: base64.b64encode(png).decode() for name, png in reading.pictures.items()},
            certificate=self.run.redaction.name(title.removeprefix("TLS ")) if has_certificate else None,
            expires=datetime.fromisoformat(str(expires)).timestamp() if has_certificate else None,
        )


def _not_proven(candidates: Sequence[str]) -> str:
    if len(candidates) == 1:
        return f"the evidence does not prove the cause; only {candidates[0]} fits"
    return "the evidence does not prove " + ("which of several causes applies" if candidates else "a cause")
