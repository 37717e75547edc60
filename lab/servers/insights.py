"""What does CloudWatch Logs Insights answer to a query? (fields, filter, stats count, sort and limit.)

moto evaluates fields, sort and limit, and passes over the rest without a word; here a command that isn't known is
an error, as it is at AWS.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<regex>/(?:[^/\\]|\\.)*/i?)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<sign><=|>=|!=|=~|[()\[\],=<>])|(?P<word>[@\w.`-]+))"""
)
_STATS = re.compile(r"count\(\*\)(?:\s+as\s+([\w@]+))?(?:\s+by\s+(.+))?$", re.IGNORECASE)
_BIN = re.compile(r"bin\((\d+)(s|m|h|d)\)$", re.IGNORECASE)
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LIMIT = 10_000


class MalformedQuery(Exception):
    """The query can't be evaluated."""


def execute_query(log_groups: list[Any], query: str, start_time: int, end_time: int) -> list[Row]:
    """As moto's: rows of strings; times in seconds since the epoch, both ends included."""
    rows = list(_events(log_groups, start_time * 1000, end_time * 1000 + 999))
    shown: list[str] = ["@timestamp", "@message"]
    limit = LIMIT
    commands = [part.strip() for part in _parts(query)]
    for command in commands:
        verb, _, rest = command.partition(" ")
        if verb == "fields" or verb == "display":
            shown = [name.strip() for name in rest.split(",")]
        elif verb == "filter":
            test = _Condition(rest).whole()
            rows = [row for row in rows if test(row)]
        elif verb == "stats":
            rows, shown = _counted(rows, rest)
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
    """Commands are divided by bars outside quotes and regular expressions."""
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
    """Fields of a JSON message, as Insights finds them by itself."""
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


def _counted(rows: list[Row], rest: str) -> tuple[list[Row], list[str]]:
    match = _STATS.match(rest.strip())
    if match is None:
        raise MalformedQuery(f"of stats only count(*) is known: {rest!r}")
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


class _Condition:
    """A filter's condition: or, and, not, brackets, comparisons, like, in, ispresent."""

    def __init__(self, text: str) -> None:
        self._tokens = [match for match in _TOKEN.finditer(text.strip()) if match[0].strip()]
        if "".join(match[0] for match in self._tokens).replace(" ", "") != re.sub(r"\s", "", text).replace(" ", ""):
            raise MalformedQuery(f"the condition {text!r} can't be read")
        self._at = 0

    def whole(self) -> Callable[[Row], bool]:
        test = self._any()
        if self._at < len(self._tokens):
            raise MalformedQuery(f"unexpected {self._tokens[self._at][0].strip()!r} in a condition")
        return test

    def _peek(self) -> str:
        return self._tokens[self._at][0].strip() if self._at < len(self._tokens) else ""

    def _take(self) -> re.Match[str]:
        if self._at >= len(self._tokens):
            raise MalformedQuery("a condition ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _is_next(self, word: str) -> bool:
        if self._peek().lower() == word:
            self._at += 1
            return True
        return False

    def _any(self) -> Callable[[Row], bool]:
        tests = [self._all()]
        while self._is_next("or"):
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Callable[[Row], bool]:
        tests = [self._one()]
        while self._is_next("and"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Callable[[Row], bool]:
        if self._is_next("not"):
            test = self._one()
            return lambda row: not test(row)
        if self._is_next("("):
            test = self._any()
            self._close(")")
            return test
        name = self._take()[0].strip().strip("`")
        if name.lower() == "ispresent":
            self._close("(")
            name = self._take()[0].strip().strip("`")
            self._close(")")
            return lambda row: name in row
        return self._compared(name)

    def _close(self, sign: str) -> None:
        if not self._is_next(sign):
            raise MalformedQuery(f"{sign!r} is missing in a condition")

    def _compared(self, name: str) -> Callable[[Row], bool]:
        sign = self._take()[0].strip().lower()
        if sign == "not":
            test = self._compared(name)
            return lambda row: not test(row)
        if sign in ("like", "=~"):
            pattern = self._pattern()
            return lambda row: name in row and bool(pattern.search(str(row[name])))
        if sign == "in":
            wanted = self._list()
            return lambda row: name in row and _plain(row[name]) in wanted
        value = self._value()
        return lambda row: name in row and _holds(_plain(row[name]), sign, value)

    def _list(self) -> list[Any]:
        self._close("[")
        values = [self._value()]
        while self._is_next(","):
            values.append(self._value())
        self._close("]")
        return values

    def _value(self) -> Any:
        token = self._take()
        if token["number"]:
            return float(token["number"])
        return _unquoted(token["text"]) if token["text"] else token[0].strip()

    def _pattern(self) -> re.Pattern[str]:
        token = self._take()
        if token["regex"]:
            source, _, flag = token["regex"][1:].rpartition("/")
            return re.compile(source, re.IGNORECASE if flag or source.startswith("(?i)") else 0)
        return re.compile(re.escape(_unquoted(token[0].strip())))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _holds(left: Any, sign: str, right: Any) -> bool:
    if sign in ("=", "!="):
        return (left == right) is (sign == "=")
    try:
        return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign])
    except (TypeError, KeyError):
        return False
