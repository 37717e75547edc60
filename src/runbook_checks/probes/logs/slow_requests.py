"""Read how long requests took from a log of JSON lines."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook_checks.probes.core.json_text import parsed
from runbook_checks.probes.core.reading import one_line, reading
from runbook_checks.probes.logs.lines import entries_of
from runbook_checks.probes.logs.rotation import MAX_BYTES, OLDER_IN_A_ROW, read_back
from runbook_checks.probes.logs.tail import Budget

MAX_WHAT = 200
_TIME = re.compile(r"\s*(\d{1,12}(?:\.\d+)?)\s*(ms|s)?\s*", re.ASCII)


@dataclass(frozen=True)
class Request:
    """One request: when it was logged (seconds since the epoch), what it was, how long it took."""

    at: float
    what: str
    took_ms: float


@dataclass(frozen=True)
class Requests:
    """The requests of a window, newest first; `complete` where it was read to its beginning."""

    found: list[Request]
    complete: bool


def read_requests(path: Path, *, since: float, until: float, field: str, what: Sequence[str]) -> Requests:
    """The requests with since <= at <= until; rotated files are read where the window needs them.

    `field` has a time in ms, or with its unit ("5120ms"); `what` are the fields that identify the request.
    NoReading unreadable.
    """
    with reading(f"requests in {path}") as facts:
        seen = _Seen(since, field, what)
        complete = read_back(path, Budget(MAX_BYTES), seen.take) == "whole"
        found = [request for request in seen.requests if since <= request.at <= until]
        facts.update(requests=len(found), complete=complete)
        return Requests(found, complete)


class _Seen:
    """The requests read so far, newest first."""

    def __init__(self, since: float, field: str, what: Sequence[str]) -> None:
        self.requests: list[Request] = []
        self._since, self._field, self._what = since, field, what
        self._older = 0

    def take(self, lines: Generator[str, None, None]) -> bool:
        """True when the window's beginning is passed."""
        with closing(lines):
            for line in lines:
                entries = entries_of(line)
                if not entries:
                    continue
                self._older = self._older + 1 if entries[0].time < self._since else 0
                if self._older >= OLDER_IN_A_ROW:
                    return True
                request = _request(line, entries[0].time, self._field, self._what) if self._field in line else None
                if request is not None:
                    self.requests.append(request)
        return False


def _request(line: str, at: float, field: str, what: Sequence[str]) -> Request | None:
    try:
        document: Any = parsed(line, is_strict=False)
    except ValueError:
        return None
    value = document.get(field) if isinstance(document, dict) else None
    is_time = isinstance(value, str | int | float) and not isinstance(value, bool)
    match = _TIME.fullmatch(str(value)) if is_time else None
    if match is None:
        return None
    took = float(match[1]) * (1000 if match[2] == "s" else 1)
    named = " ".join(str(document[name]) for name in what if name in document)
    return Request(at, one_line(named.partition("?")[0], MAX_WHAT) or "a request", took)
