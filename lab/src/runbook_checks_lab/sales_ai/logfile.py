"""The Workers' logs for the last two hours and from now on, as `wrangler tail` prints them."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable
from pathlib import Path

from runbook_checks_lab.servers.jsonlines import Event, JsonLines
from runbook_checks_lab.servers.known_errors import HISTORY_S, is_known_due, known_before

EVERY_S = 30
BACKGROUND = "GROQ_API_ERROR"
MESSAGES = {
    "GROQ_API_ERROR": "Groq answered 429: Rate limit reached for model whisper-large-v3",
    "DATABASE_ERROR": "connection terminated unexpectedly",
    "FILE_DOWNLOAD_FAILED": "R2 object recordings/call-0007.mp3 could not be read",
}


class WorkersLog(JsonLines):
    """One invocation a line."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda entry: entry["eventTimestamp"])

    def note(self, script: str, level: str, message: str) -> None:
        self.write(event(time.time(), script, level, message))

    def fill_history(self, now: float) -> None:
        self.fill(_history(now))

    async def live(self) -> None:
        """Write the log entries of normal operation."""
        import asyncio

        for number in itertools.count(1):
            await asyncio.sleep(EVERY_S)
            self.note("queue-worker", "log", f"Processing completed message=msg-{number:06x}")
            if is_known_due(number, EVERY_S):
                self.write(failure(time.time(), BACKGROUND, number))


def event(at: float, script: str, level: str, *messages: str) -> Event:
    stamp = int(at * 1000)
    is_queue = script == "queue-worker"
    asked = (
        {"batchSize": 1, "queue": "transcription-queue"} if is_queue else {"request": {"method": "POST", "url": "/"}}
    )
    return {
        "wallTime": 412,
        "cpuTime": 7,
        "truncated": False,
        "executionModel": "stateless",
        "outcome": "ok",
        "scriptName": script,
        "exceptions": [],
        "logs": [{"message": [message], "level": level, "timestamp": stamp} for message in messages],
        "eventTimestamp": stamp,
        "event": asked,
    }


def failure(at: float, code: str, number: int = 0) -> Event:
    """Return an event for a message that the queue's Worker could not process."""
    said = {"level": "ERROR", "code": code, "message": MESSAGES.get(code, "it broke"), "messageId": f"msg-{number:06x}"}
    return event(at, "queue-worker", "error", json.dumps(said))


def _history(now: float) -> Iterable[Event]:
    for number in range(HISTORY_S // EVERY_S, 0, -1):
        yield event(now - EVERY_S * number, "queue-worker", "log", f"Processing completed message=msg-{number:06x}")
    for number, at in enumerate(known_before(now)):
        yield failure(at, BACKGROUND, number)
