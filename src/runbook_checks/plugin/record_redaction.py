"""Redacts the free text in a check's record, then cuts it; everything else in it stays as it is.

Free text is what a far end, a library or a check's sentence says: seen, wanted, evidence, reason, traceback, titles and
facts of readings. Subjects, and the hosts and resolvers that roots go by, are names: a far end may choose them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import one_line

if TYPE_CHECKING:
    from runbook_checks.config.redaction import Redaction

# What a far end says may be of any length; a report is read by people.
MAX_SENTENCE = 500
MAX_SUBJECT = 200
MAX_TEXT = 2000
SPARE = 4096  # so much of what is cut away is looked through: a secret may begin before the cut
# By these roots tell whom several resources share that gave no answer; the state is a word of ours.
NAMES = ("host", "resolver")
WORDS = ("resolver_state",)


def redacted(record: dict[str, Any], redaction: Redaction) -> dict[str, Any]:
    """The record without the secrets that are known by now; one that was redacted before may be given again."""
    text, name = redaction.text, redaction.name
    return record | {
        "reason": record["reason"] and text(record["reason"]),
        "trace": text(record.get("trace", "")),
        "words": name(record.get("words", "")),
        "subjects": [name(subject) for subject in record.get("subjects", ())],
        "evidence": _evidence(record.get("evidence", {}), redaction),
        "findings": [_finding(finding, redaction) for finding in record["findings"]],
        "readings": [_reading(reading, redaction) for reading in record["readings"]],
    }


def _finding(finding: dict[str, Any], redaction: Redaction) -> dict[str, Any]:
    subject, why = finding["subject"], finding["ruled_out"]
    return finding | {
        "subject": one_line(redaction.name(subject[: MAX_SUBJECT + SPARE]), MAX_SUBJECT) if subject else None,
        "seen": _sentence(finding["seen"], MAX_SENTENCE, redaction),
        "wanted": _sentence(finding["wanted"], MAX_SENTENCE, redaction),
        "words": redaction.name(finding["words"]),
        "ruled_out": {cause: _sentence(reason, MAX_SUBJECT, redaction) for cause, reason in why.items()},
        "evidence": _evidence(finding["evidence"], redaction),
    }


def _sentence(said: str, limit: int, redaction: Redaction) -> str:
    return one_line(redaction.text(said[: limit + SPARE]), limit)


def _evidence(evidence: dict[str, Any], redaction: Redaction) -> dict[str, Any]:
    def leaf(key: str, value: Any) -> Any:
        if key in WORDS:
            return value
        return shown(redaction.name(value) if key in NAMES and isinstance(value, str) else redaction.tree(value))

    return {key: leaf(key, value) for key, value in evidence.items()}


def _reading(reading: dict[str, Any], redaction: Redaction) -> dict[str, Any]:
    told = reading | {
        "title": redaction.text(reading["title"]),
        "facts": {name: shown(redaction.tree(value)) for name, value in reading["facts"].items()},
    }
    return told | ({"certificate": redaction.name(reading["certificate"])} if "certificate" in reading else {})


def shown(value: Any) -> Any:
    """A JSON-like value with its texts cut where they have no end; a byte that was no text stays visible."""
    if isinstance(value, dict):
        return {shown(name): shown(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shown(entry) for entry in value]
    if not isinstance(value, str):
        return value
    text = value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()
