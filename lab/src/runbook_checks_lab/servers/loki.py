"""A stand-in for Grafana Loki's log queries; the real one is not available as a package.

Loki HTTP API, 'Query logs within a range of time'; LogQL, 'Log queries': selectors, line filters and one label filter.
Unsupported syntax is an error here, as a mistake is in Loki.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from runbook_checks_lab.servers.asgi import HttpServer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MAX_ENTRIES = 5000  # max_entries_limit_per_query, Loki's default
DEFAULT_LIMIT = 100
NS = 1_000_000_000
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*')
_LABEL = r'(\w+)=~("(?:[^"\\]|\\.)*")'
_LABELS = re.compile(rf"\|\s*({_LABEL}(?:\s+or\s+{_LABEL})*)\s*$")
_FILTER = re.compile(r'\s*(\|=|!=|\|~|!~)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)')

Labels = tuple[tuple[str, str], ...]
Line = tuple[int, str]
Test = Callable[[str], bool]


class BadQuery(Exception):
    """400, with the message of the response."""


@dataclass
class LokiBehaviour:
    tenant: str = ""  # required X-Scope-OrgID; none: not checked
    status: int = 0  # the status of every response
    page: str = ""  # the body in that case, in place of Loki's own
    hidden: tuple[str, ...] = ()  # services whose streams are missing


class Loki:
    """Streams of lines by labels, oldest first; nanoseconds since the epoch."""

    def __init__(self) -> None:
        self.behaviour = LokiBehaviour()
        self.http = HttpServer()
        self._streams: dict[Labels, list[Line]] = {}
        self._lock = threading.Lock()

    async def start(self) -> None:
        await self.http.start(self)

    async def settle(self) -> None:
        """Responses are made from the behaviour when requested, so there is nothing to do."""

    async def stop(self) -> None:
        await self.http.stop()

    def push(self, labels: Mapping[str, str], lines: Iterable[tuple[float, str]]) -> None:
        """Add lines, with times in seconds since the epoch."""
        with self._lock:
            stream = self._streams.setdefault(tuple(sorted(labels.items())), [])
            stream += [(int(at * NS), line) for at, line in lines]
            stream.sort()

    @contextlib.contextmanager
    def with_lines(self, labels: Mapping[str, str], lines: Iterable[tuple[float, str]]) -> Iterator[None]:
        """Insert lines into a stream in order of time, and remove them afterwards."""
        added = [*lines]
        self.push(labels, added)
        gone = {(int(at * NS), line) for at, line in added}
        try:
            yield
        finally:
            key = tuple(sorted(labels.items()))
            with self._lock:
                self._streams[key] = [line for line in self._streams[key] if line not in gone]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        status, kind, body = self._answer(scope)
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Scope) -> tuple[int, str, bytes]:
        plain, behaviour = "text/plain; charset=utf-8", self.behaviour
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        if behaviour.status:
            return behaviour.status, plain, behaviour.page.encode()
        if behaviour.tenant and "x-scope-orgid" not in headers:
            return 401, plain, b"no org id\n"
        if scope["path"] == "/ready":
            return 200, plain, b"ready\n"
        if scope["path"] != "/loki/api/v1/query_range":
            return 404, plain, b"404 page not found\n"
        mine = not behaviour.tenant or headers["x-scope-orgid"] == behaviour.tenant
        asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        try:
            found = self._queried(asked) if mine else {}
        except BadQuery as bad:
            return 400, plain, f"{bad}\n".encode()
        return 200, "application/json; charset=UTF-8", json.dumps(_response_data(found)).encode()

    def _queried(self, asked: dict[str, str]) -> dict[Labels, list[Line]]:
        matches, passes = _parsed(asked.get("query", ""))
        limit = int(asked.get("limit", DEFAULT_LIMIT))
        if limit > MAX_ENTRIES:
            raise BadQuery(
                f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {MAX_ENTRIES})"
            )
        begin, end = _moment(asked["start"]), _moment(asked["end"])
        if end <= begin:
            raise BadQuery("end timestamp must not be before or equal to start time")
        is_forward = asked.get("direction", "backward").lower() == "forward"
        with self._lock:
            fitting = [
                (stamp, line, labels)
                for labels, lines in self._streams.items()
                if matches(dict(labels)) and dict(labels).get("service") not in self.behaviour.hidden
                for stamp, line in lines
                if begin <= stamp < end and passes(line)  # the end is exclusive
            ]
        fitting.sort(key=lambda entry: entry[0], reverse=not is_forward)
        found: dict[Labels, list[Line]] = {}
        for stamp, line, labels in fitting[:limit]:
            found.setdefault(labels, []).append((stamp, line))
        return found


def _response_data(found: dict[Labels, list[Line]]) -> dict[str, Any]:
    streams = [
        {"stream": dict(labels), "values": [[str(stamp), line] for stamp, line in lines]}
        for labels, lines in found.items()
    ]
    summary = {"bytesProcessedPerSecond": 0, "linesProcessedPerSecond": 0, "totalLinesProcessed": 0, "execTime": 0.001}
    return {"status": "success", "data": {"resultType": "streams", "result": streams, "stats": {"summary": summary}}}


def _moment(text: str) -> int:
    """Return nanoseconds; Loki accepts nanoseconds, and seconds with a fraction."""
    return int(float(text) * NS) if "." in text else int(text) if len(text) > 10 else int(text) * NS


def _parsed(query: str) -> tuple[Callable[[dict[str, str]], bool], Test]:
    text = query.strip()
    if not text.startswith("{") or "}" not in text:
        raise BadQuery(f"parse error at line 1, col 1: syntax error: unexpected {text[:1] or '$end'}, expecting {{")
    inner, _, rest = text[1:].partition("}")
    matchers = [_matcher(part) for part in _split(inner, _MATCHER, ",")]
    if not matchers:
        what = "queries require at least one regexp or equality matcher that does not have an empty-compatible value"
        raise BadQuery(f"parse error : {what}")
    if beside := _LABELS.search(rest):
        matchers.append(_any_label(beside[1]))
        rest = rest[: beside.start()]
    filters = [_line_filter(match) for match in _split(rest, _FILTER, "")]
    return (lambda labels: all(test(labels) for test in matchers)), (lambda line: all(test(line) for test in filters))


def _any_label(text: str) -> Callable[[dict[str, str]], bool]:
    """LogQL, 'Label filter expression', joined by `or`."""
    tests = [(name, re.compile(_unquoted(value))) for name, value in re.findall(_LABEL, text)]
    return lambda labels: any(pattern.fullmatch(labels.get(name, "")) for name, pattern in tests)


def _split(text: str, form: re.Pattern[str], separator: str) -> list[re.Match[str]]:
    """Split a text that consists only of such parts."""
    found: list[re.Match[str]] = []
    place = 0
    while text[place:].strip():
        match = form.match(text, place)
        if match is None:
            raise BadQuery(
                f"parse error at line 1, col {place + 2}: syntax error: unexpected {text[place:].strip()[:20]}"
            )
        found.append(match)
        place = match.end()
        if separator and text[place : place + 1] == separator:
            place += 1
    return found


def _unquoted(text: str) -> str:
    return text[1:-1] if text.startswith("`") else str(json.loads(text))


def _matcher(match: re.Match[str]) -> Callable[[dict[str, str]], bool]:
    name, sign, value = match[1], match[2], _unquoted(match[3])
    if sign in ("=", "!="):
        return lambda labels: (labels.get(name, "") == value) is (sign == "=")
    pattern = re.compile(value)
    return lambda labels: bool(pattern.fullmatch(labels.get(name, ""))) is (sign == "=~")


def _line_filter(match: re.Match[str]) -> Test:
    sign, value = match[1], _unquoted(match[2])
    if sign in ("|=", "!="):
        return lambda line: (value in line) is (sign == "|=")
    pattern = re.compile(value)
    return lambda line: bool(pattern.search(line)) is (sign == "|~")
