"""Read the log of a Cloudflare Worker's invocation: a line of `wrangler tail --format json`, or of Logpush."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runbook_checks.probes.core.json_text import parsed

MARKS = ('"scriptName"', '"ScriptName"')
LEVELS = {"LOG": "INFO", "WARNING": "WARN"}
MAX_MS = 1e15  # milliseconds since the epoch, until the year 33658
SUCCESSFUL = ("ok", "canceled", "responseStreamDisconnected")


@dataclass(frozen=True)
class Logged:
    """One line that a Worker wrote, or the invocation's outcome; `time` in seconds since the epoch."""

    time: float
    level: str
    message: str  # begins with the Worker's name


def is_invocation(line: str) -> bool:
    return line.startswith("{") and any(mark in line for mark in MARKS)


def logged(line: str) -> list[Logged]:
    """The lines of one invocation in order, [] for any other text. One without lines has its outcome as a line."""
    try:
        event = parsed(line, is_strict=False)
    except ValueError:
        return []
    if not isinstance(event, dict):
        return []
    # Logpush capitalises the names.
    fields = {name[:1].lower() + name[1:]: value for name, value in event.items()}
    stamp: Any = fields.get("eventTimestamp", fields.get("eventTimestampMs"))
    if not _is_moment(stamp):
        return []
    script, outcome = str(fields.get("scriptName", "")), str(fields.get("outcome", ""))
    found = [*_lines(fields.get("logs"), stamp, script), *_exceptions(fields.get("exceptions"), stamp, script)]
    is_success = outcome in SUCCESSFUL
    if not found or (not is_success and not fields.get("exceptions")):
        found.append(Logged(stamp / 1000, "INFO" if is_success else "ERROR", f"{script} ended with {outcome}"))
    return found


def _is_moment(stamp: Any) -> bool:
    return isinstance(stamp, int | float) and not isinstance(stamp, bool) and 0 <= stamp < MAX_MS


def _lines(logs: Any, stamp: float, script: str) -> Iterator[Logged]:
    for entry in logs if isinstance(logs, list) else []:
        if isinstance(entry, dict):
            fields = {name.lower(): value for name, value in entry.items()}
            level = str(fields.get("level", "")).upper()
            message, own_level = _message(fields.get("message"))
            at = fields.get("timestamp", fields.get("timestampms", stamp))
            moment = at if _is_moment(at) else stamp
            level = own_level or LEVELS.get(level, level)
            yield Logged(moment / 1000, level, f"{script} {message}")


def _exceptions(exceptions: Any, stamp: float, script: str) -> Iterator[Logged]:
    for entry in exceptions if isinstance(exceptions, list) else []:
        if isinstance(entry, dict):
            fields = {name.lower(): value for name, value in entry.items()}
            yield Logged(stamp / 1000, "ERROR", f"{script} {fields.get('name', 'Error')}: {fields.get('message', '')}")


def _message(parts: Any) -> tuple[str, str]:
    """The text of a console call, and the level of a JSON document in it."""
    words = parts if isinstance(parts, list) else [parts]
    if len(words) == 1:
        found = words[0] if isinstance(words[0], dict) else _object(words[0])
        if found is not None:
            texts = [str(found[name]) for name in ("code", "message", "msg", "error") if found.get(name)]
            return ": ".join(texts) or json.dumps(found), str(found.get("level", "")).upper()
    return " ".join(word if isinstance(word, str) else json.dumps(word) for word in words), ""


def _object(word: Any) -> Mapping[str, Any] | None:
    if not isinstance(word, str) or not word.startswith("{"):
        return None
    try:
        found = parsed(word, is_strict=False)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
