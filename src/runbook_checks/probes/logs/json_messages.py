"""The message of a JSON log entry as plain text, also where it is an object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 3
_MESSAGE_KEYS = ("msg", "message", "MESSAGE", "short_message", "@m", "@mt", "Message", "event", "body", "error")
_ERROR_KEYS = ("errorType", "name", "code", "errorMessage", *_MESSAGE_KEYS)


def message_of(document: Mapping[str, Any]) -> str:
    """The message of an entry, or "".

    An object becomes its error's name, code and message, or else its values: two errors must not look the same.
    """
    for key in _MESSAGE_KEYS:
        if value := document.get(key):
            return text_of(value)
    record = document.get("record")
    if isinstance(record, dict):  # AWS Lambda's platform events
        return f"{document.get('type')}: {text_of({k: v for k, v in record.items() if not isinstance(v, dict)})}"
    if "errorType" in document:
        return text_of(document)
    request = [str(document[key]) for key in ("method", "path", "url", "uri", "status") if key in document]
    return " ".join(request)


def text_of(value: Any, depth: int = MAX_DEPTH) -> str:
    """A value in a log entry as text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return json.dumps(value)
    if not depth:
        return "{...}"
    parts = [text_of(value[key], depth - 1) for key in _ERROR_KEYS if value.get(key)]
    return ": ".join(parts) or " ".join(f"{key}={text_of(one, depth - 1)}" for key, one in value.items())
