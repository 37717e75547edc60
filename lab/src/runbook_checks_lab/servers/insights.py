"""CloudWatch Logs Insights queries: fields, filter, stats count, sort and limit.

moto evaluates fields, sort and limit, and silently ignores the rest. Here an unknown command is an error, as at AWS.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from runbook_checks_lab.servers.insights_filter import MalformedQuery, condition

Row = dict[str, Any]
_STATS = re.compile(r"count\(\*\)(?:\s+as\s+([\w@]+))?(?:\s+by\s+(.+))?$", re.IGNORECASE)
_BIN = re.compile(r"bin\((\d+)(s|m|h|d)\)$", re.IGNORECASE)
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LIMIT = 10_000


def execute_query(log_groups: list[Any], query: str, start_time: int, end_time: int) -> list[Row]:
    """Same interface as moto's: rows of strings; times in seconds since the epoch, both ends included."""
    rows = list(_events(log_groups, start_time * 1000, end_time * 1000 + 999))
    shown: list[str] = ["@timestamp", "@message"]
    limit = LIMIT
    commands = [part.strip() for part in _parts(query)]
    for command in commands:
        verb, _, rest = command.partition(" ")
        if verb == "fields" or verb == "display":
            shown = [name.strip() for name in rest.split(",")]
        elif verb == "filter":
            test = condition(rest)
            rows = [row for row in rows if test(row)]
        elif verb == "stats":
            rows, shown = _apply_stats(rows, rest)
        elif verb == "sort":
            rows = _sorted(rows, rest)
        elif verb == "limit":
            limit = int(rest)
        else:
            raise MalformedQuery(f"unknown command {verb!r}")
    if not any(command.startswith(("sort", "stats")) for command in commands):
        rows = _sorted(rows, "@timestamp desc")
    return [{name: _text(name, row[name]) for name in (*shown, "@ptr") if name in row} for row in rows[:limit]]


def _parts(query: str) -> list[str]:
    """Split a query into commands, at bars outside quotes and regular expressions."""
    pieces = re.findall(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/(?:[^/\\\n]|\\.)*/|[^|])+""", query)
    return [piece.strip() for piece in pieces if piece.strip() and not piece.strip().startswith("#")]


def _events(log_groups: list[Any], since: int, until: int) -> Iterator[Row]:
    for group in log_groups:
        for stream in group.streams.values():
            for event in stream.events:
                if since <= event.timestamp <= until:
                    yield _discovered(event.message) | {
                        "@timestamp": event.timestamp,
                        "@message": event.message,
                        "@logStream": stream.log_stream_name,
                        "@log": group.name,
                        "@ptr": str(event.event_id),
                    }


def _discovered(message: str) -> Row:
    """Return the fields of a JSON message that Insights discovers automatically."""
    try:
        document = json.loads(message)
    except ValueError:
        return {}
    return dict(_flat(document, "")) if isinstance(document, dict) else {}


def _flat(document: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _text(name: str, value: Any) -> str:
    if name == "@timestamp":
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return str(value)


def _apply_stats(rows: list[Row], rest: str) -> tuple[list[Row], list[str]]:
    match = _STATS.match(rest.strip())
    if match is None:
        raise MalformedQuery(f"stats supports only count(*): {rest!r}")
    name, keys = match[1] or "count(*)", [key.strip() for key in (match[2] or "").split(",") if key.strip()]
    if not keys:
        return [{name: len(rows)}], [name]
    counts = Counter(tuple(_key(row, key) for key in keys) for row in rows)
    return [dict(zip(keys, group, strict=True)) | {name: n} for group, n in counts.most_common()], [*keys, name]


def _key(row: Row, key: str) -> Any:
    span = _BIN.match(key)
    if span is None:
        return row.get(key, "")
    length = int(span[1]) * _UNITS_MS[span[2].lower()]
    return _text("@timestamp", row["@timestamp"] // length * length)


def _sorted(rows: list[Row], rest: str) -> list[Row]:
    name, _, order = rest.strip().partition(" ")
    return sorted(rows, key=lambda row: (name in row, row.get(name, 0)), reverse=order.strip().lower() == "desc")
