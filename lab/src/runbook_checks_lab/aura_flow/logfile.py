"""The back end's combined.log for the last two hours and from now on, as winston writes it."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from runbook_checks_lab.servers.jsonlines import Event, JsonLines
from runbook_checks_lab.servers.known_errors import HISTORY_S, is_known_due, known_before

EVERY_S = 10
BACKGROUND = "insight not made: provider answered 429"
ADDRESSES = ("/api/plans", "/api/auth/me", "/api/insights/preview", "/health")


class CombinedLog(JsonLines):
    """Requests, and occasionally a known error."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda event: event["timestamp"])

    def begin(self, now: float) -> None:
        self.fill(_history(now))

    async def live(self) -> None:
        import asyncio

        for number in itertools.count(1):
            await asyncio.sleep(EVERY_S)
            self.write(normal_request(time.time()))
            if is_known_due(number, EVERY_S):
                self.write(error(time.time(), BACKGROUND))


def request(at: float, url: str, took_ms: int) -> Event:
    return _entry(at, "info", "API request", method="GET", url=url, statusCode=200, responseTime=f"{took_ms}ms")


def error(at: float, message: str) -> Event:
    return _entry(at, "error", message, service="aura-flow-backend")


def normal_request(at: float) -> Event:
    # not a secret: the duration of a made-up request
    return request(at, random.choice(ADDRESSES), random.randint(4, 180))  # noqa: S311


def _entry(at: float, level: str, message: str, **more: object) -> Event:
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"level": level, "message": message, "timestamp": stamp, **more}


def _history(now: float) -> Iterator[Event]:
    for k in range(1, HISTORY_S // EVERY_S):
        yield normal_request(now - EVERY_S * k)
    for at in known_before(now):
        yield error(at, BACKGROUND)
