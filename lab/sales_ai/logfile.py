"""What do the Workers' logs say about the last two hours, and from now on? (As `wrangler tail` prints them.)"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HISTORY_S = 2 * 3600
EVERY_S = 30
BACKGROUND = "GROQ_API_ERROR"
BACKGROUND_EVERY_S = 900
MESSAGES = {
    "GROQ_API_ERROR": "Groq answered 429: Rate limit reached for model whisper-large-v3",
    "DATABASE_ERROR": "connection terminated unexpectedly",
    "FILE_DOWNLOAD_FAILED": "R2 object recordings/call-0007.mp3 could not be read",
}

Event = dict[str, Any]


class WorkersLog:
    """One invocation a line; each is appended by itself, so that the file may be moved under the Workers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._is_paused = False

    def write(self, script: str, level: str, message: str) -> None:
        if not self._is_paused:
            with self._lock, contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
                file.write(line(event(time.time(), script, level, message)))

    def fill(self, now: float) -> None:
        self.path.write_text("".join(map(line, _history(now))), encoding="utf-8")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    @contextlib.contextmanager
    def with_events(self, events: Iterable[Event]) -> Iterator[None]:
        """The log with these in their places, and without them afterwards."""
        added = set(map(line, events))
        self._rewrite(lambda lines: sorted([*lines, *added], key=_moment))
        try:
            yield
        finally:
            self._rewrite(lambda lines: [text for text in lines if text not in added])

    def _rewrite(self, change: Any) -> None:
        with self._lock:
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            beside = self.path.with_suffix(".new")
            beside.write_text("".join(change(lines)), encoding="utf-8")
            beside.replace(self.path)


def line(entry: Event) -> str:
    return json.dumps(entry, separators=(",", ":")) + "\n"


def _moment(text: str) -> int:
    return int(json.loads(text)["eventTimestamp"])


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
    """A message that the queue's worker could not process."""
    said = {"level": "ERROR", "code": code, "message": MESSAGES.get(code, "it broke"), "messageId": f"msg-{number:06x}"}
    return event(at, "queue-worker", "error", json.dumps(said))


def _history(now: float) -> Iterable[Event]:
    for number in range(HISTORY_S // EVERY_S, 0, -1):
        at = now - EVERY_S * number
        if EVERY_S * number % BACKGROUND_EVERY_S == 0:
            yield failure(at, BACKGROUND, number)
        else:
            yield event(at, "queue-worker", "log", f"Processing completed message=msg-{number:06x}")
