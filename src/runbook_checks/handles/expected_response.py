"""Is an answer what was expected of it: status, fields of its JSON document, something in its lists?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from runbook_checks.probes.core.reading import one_line

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Answer

MISSING = object()
SHOWN = 80
# Where failures tell their reason: RFC 9457 has detail and title, most others one of these.
WORDS = ("error.message", "error", "message", "detail", "title")


@dataclass(frozen=True)
class Mismatch:
    """What the first thing amiss was."""

    cause: Literal["wrong-status", "wrong-body", "empty-result"]
    seen: str
    wanted: str


def mismatch(answer: Answer, status: int, fields: Mapping[str, Any], not_empty: Iterable[str] = ()) -> Mismatch | None:
    """The first thing amiss with an answer, None where it is as expected.

    fields     dotted names in the JSON document (numbers are places in lists), with the values due
    not_empty  dotted names of texts, lists and objects that must hold something
    """
    from runbook_checks.probes.http.client import NotJson

    if answer.status != status:
        return Mismatch("wrong-status", said(answer), f"HTTP {status}")
    if not fields and not not_empty:
        return None
    try:
        document = answer.json()
    except NotJson as other:
        return Mismatch("wrong-body", other.reason, "a JSON document")
    differing = (_differing(document, name, expected) for name, expected in fields.items())
    hollow = (_hollow(document, name) for name in not_empty)
    return next(filter(None, (*differing, *hollow)), None)


def said(answer: Answer) -> str:
    """The status, and of a failure that tells of itself in JSON also the words: they may name what is behind it."""
    from runbook_checks.probes.http.client import NotJson

    told = f"HTTP {answer.status}"
    try:
        document = answer.json() if answer.status >= 400 else None
    except NotJson:
        return told
    words = next((at(document, name) for name in WORDS if isinstance(at(document, name), str)), "")
    return f"{told}: {one_line(str(words), SHOWN)}" if words else told


def _differing(document: Any, name: str, expected: Any) -> Mismatch | None:
    value = at(document, name)
    # In Python, True is 1; in JSON it isn't.
    if value == expected and isinstance(value, bool) == isinstance(expected, bool):
        return None
    return Mismatch("wrong-body", f"{name} is {_told(value)}", f"{name} {_told(expected)}")


def _hollow(document: Any, name: str) -> Mismatch | None:
    value = at(document, name)
    if value is MISSING or (value is not None and not isinstance(value, str | list | dict)):
        return Mismatch("wrong-body", f"{name} is {_told(value)}", f"{name} with something in it")
    return None if value else Mismatch("empty-result", f"{name} is {_told(value)}", f"{name} with something in it")


def at(document: Any, dotted: str) -> Any:
    """What stands at a dotted name, MISSING for nothing."""
    for name in dotted.split("."):
        if isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict) and name in document:
            document = document[name]
        else:
            return MISSING
    return document


def _told(value: Any) -> str:
    return "missing" if value is MISSING else one_line(json.dumps(value, ensure_ascii=False), SHOWN)
