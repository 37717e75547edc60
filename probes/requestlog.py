"""Which requests took long, by a log of JSON lines that tells of each how long it took?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes.journal import reading
from probes.loglines import entries_of
from probes.logs import MAX_BYTES, OLDER_IN_A_ROW, RESOURCE
from probes.reading import NoReading, one_line
from probes.regular import why
from probes.tail import Budget, lines_backwards

MAX_WHAT = 200
_TIME = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s)?\s*", re.ASCII)


@dataclass(frozen=True)
class Request:
    """One request: when it was logged (seconds since the epoch), what it was, how long it took."""

    at: float
    what: str
    took_ms: float


@dataclass(frozen=True)
class Requests:
    """The requests of a window, the newest first; `complete` where it was read to its beginning."""

    found: list[Request]
    complete: bool


def read_requests(path: Path, *, since: float, until: float, field: str, what: Sequence[str]) -> Requests:
    """The requests with since <= at <= until.

    `field` holds a time in ms, or with its unit ("5120ms"); `what` are the fields that say which request it was.
    NoReading unreadable.
    """
    with reading(f"requests in {path}") as facts:
        budget = Budget(MAX_BYTES)
        found: list[Request] = []
        complete = True
        try:
            for request in _back_to(since, path, budget, field, what):
                if request is None:
                    break
                if since <= request.at <= until:
                    found.append(request)
            else:
                complete = not budget.is_spent
        except OSError as error:
            raise NoReading(RESOURCE, f"{path} can't be read: {why(error)}", kind="unreadable") from None
        facts.update(requests=len(found), complete=complete)
        return Requests(found, complete)


def _back_to(since: float, path: Path, budget: Budget, field: str, what: Sequence[str]) -> Iterator[Request | None]:
    """The requests from the last line back; None where enough lines in a row are older."""
    older = 0
    with closing(lines_backwards(path, budget)) as lines:
        for line in lines:
            entries = entries_of(line)
            if not entries:
                continue
            older = older + 1 if entries[0].time < since else 0
            if older >= OLDER_IN_A_ROW:
                yield None
                return
            request = _request(line, entries[0].time, field, what) if f'"{field}"' in line else None
            if request is not None:
                yield request


def _request(line: str, at: float, field: str, what: Sequence[str]) -> Request | None:
    try:
        document: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    told = document.get(field) if isinstance(document, dict) else None
    match = _TIME.fullmatch(str(told)) if isinstance(told, str | int | float) and not isinstance(told, bool) else None
    if match is None:
        return None
    took = float(match[1]) * (1000 if match[2] == "s" else 1)
    named = " ".join(str(document[name]) for name in what if name in document)
    return Request(at, one_line(named.partition("?")[0], MAX_WHAT) or "a request", took)
