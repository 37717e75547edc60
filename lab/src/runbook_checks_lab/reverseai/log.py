"""Log lines of the API and the runtime in normal operation."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from runbook_checks_lab.servers.known_errors import HISTORY_S, known_before

EVERY_S = 20
BACKGROUND = "llm provider answered 429, retrying"

Line = tuple[float, str]


def line(at: float, level: str, message: str, **more: object) -> Line:
    """Return one JSON line, with its time as Loki stores it."""
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return at, json.dumps({"time": stamp, "level": level, "msg": message, **more})


ORDINARY = {"api": "request served", "runtime": "execution completed"}


def normal_line(service: str, at: float) -> Line:
    return line(at, "info", ORDINARY[service], ms=42)


def background(at: float) -> Line:
    return line(at, "error", BACKGROUND, node="llm-1")


def history(service: str, now: float) -> Iterator[Line]:
    for number in range(1, HISTORY_S // EVERY_S):
        yield normal_line(service, now - number * EVERY_S)
    if service == "runtime":
        yield from map(background, known_before(now))


def errors(message: str, times: int, every_s: float) -> Iterable[Line]:
    """Return this many recent errors."""
    now = time.time()
    return [line(now - 3 - every_s * number, "error", message, execution=7000 + number) for number in range(times)]
