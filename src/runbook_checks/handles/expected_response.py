"""Compare a response with what is expected: status, fields of its JSON document, lists that are not empty."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from runbook_checks.probes.core.reading import one_line

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Answer

MISSING = object()
SHOWN = 80
LONG = 240
LONGEST = 64 * 1024
TITLE = re.compile(r"<title>([^<]{1,200})</title>", re.IGNORECASE)
# Fields with the reason of a failure: RFC 9457 has detail and title, most others one of these.
WORDS = ("error.message", "error", "message", "detail", "title")


@dataclass(frozen=True)
class Mismatch:
    """The first difference from what is expected."""

    cause: Literal["wrong-status", "wrong-body", "empty-result"]
    seen: str
    wanted: str


def mismatch(answer: Answer, status: int, fields: Mapping[str, Any], not_empty: Iterable[str] = ()) -> Mismatch | None:
    """The first difference of a response, None where it is as expected.

    fields     dotted names in the JSON document (numbers are places in lists), with the expected values
    not_empty  dotted names of texts, lists and objects that must not be empty
    """
    from runbook_checks.probes.http.client import NotJson

    if answer.status != status:
        return Mismatch("wrong-status", summary(answer), f"HTTP {status}")
    if not fields and not not_empty:
        return None
    try:
        document = answer.json()
    except NotJson as other:
        return Mismatch("wrong-body", other.reason, "a JSON document")
    differing = (_differing(document, name, expected) for name, expected in fields.items())
    empty = (_empty(document, name) for name in not_empty)
    return next(filter(None, (*differing, *empty)), None)


def summary(answer: Answer) -> str:
    """The status, and of a failure also its reason: where it redirects to, when to retry, what the body says."""
    parts = [f"HTTP {answer.status}"]
    location, retry = (answer.headers.get(name) or "" for name in ("location", "retry-after"))
    if 300 <= answer.status < 400 and location:
        parts.append(f"to {one_line(location.partition('?')[0], SHOWN)}")
    if answer.status >= 400 and retry:
        parts.append(f"(Retry-After: {one_line(retry, SHOWN)})")
    words = _reason(answer)
    return " ".join(parts) + (f": {shortened(words)}" if words else "")


def _reason(answer: Answer) -> str:
    """The reason in a JSON error, the title of a page, the text of a failure."""
    from runbook_checks.probes.http.client import NotJson

    if answer.status < 400:
        return ""
    try:
        document = answer.json()
    except NotJson:
        if answer.is_html:
            title = TITLE.search(answer.text[:LONGEST])
            return title.group(1) if title else ""
        return answer.text[:LONGEST] if answer.status >= 500 else ""
    return next((word for name in WORDS if isinstance(word := at(document, name), str)), "")


def shortened(text: str, limit: int = LONG) -> str:
    """Text for one line; of a long one the beginning and the end, where the reason often stands."""
    text = one_line(text, LONGEST)
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def _differing(document: Any, name: str, expected: Any) -> Mismatch | None:
    value = at(document, name)
    # In Python, True is 1; in JSON it isn't.
    if value == expected and isinstance(value, bool) == isinstance(expected, bool):
        return None
    return Mismatch("wrong-body", f"{name} is {_as_json(value)}", f"{name} {_as_json(expected)}")


def _empty(document: Any, name: str) -> Mismatch | None:
    value = at(document, name)
    if value is MISSING or (value is not None and not isinstance(value, str | list | dict)):
        return Mismatch("wrong-body", f"{name} is {_as_json(value)}", f"{name} that is not empty")
    return None if value else Mismatch("empty-result", f"{name} is {_as_json(value)}", f"{name} that is not empty")


def at(document: Any, dotted: str) -> Any:
    """The value at a dotted name, or MISSING."""
    for name in dotted.split("."):
        if isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict) and name in document:
            document = document[name]
        else:
            return MISSING
    return document


def _as_json(value: Any) -> str:
    return "missing" if value is MISSING else one_line(json.dumps(value, ensure_ascii=False), SHOWN)
