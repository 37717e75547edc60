"""The service's log for the last two hours and from now on."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from runbook_checks_lab.servers.clock import log_stamp
from runbook_checks_lab.servers.known_errors import HISTORY_S, known_before

HARMLESS = 'migration 0001_init: pq: duplicate key value violates unique constraint "cs_message_dedup_pkey"'
BACKGROUND = "deliver reply: upstream channel answered 429 channel=wechat"
HEARTBEAT_EVERY_S = 30

Entry = tuple[float, str, str]


class LogFile:
    """Each line is appended with its own write, so that the file may be moved or replaced while the service runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._is_paused = False
        self._failures: list[str] = []

    def write(self, level: str, message: str) -> None:
        if self._is_paused:
            return
        text = line((time.time(), level, message))
        with self._lock, contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(text)
            if level == "ERROR" and message != BACKGROUND:
                self._failures.append(text)

    def forget_failures(self) -> None:
        """Remove the errors that a fault caused, when the fault is undone."""
        gone = set(self._failures)
        self._failures.clear()
        if gone:
            self._remove(gone)

    def fill(self, now: float) -> None:
        self.path.write_text("".join(line(e) for e in sorted(_history(now))), encoding="utf-8")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    def insert(self, entries: Iterable[Entry]) -> None:
        """Insert entries in order of time: stamps of equal width sort like times."""
        with self._lock:
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            self._replace(sorted([*lines, *map(line, entries)]))

    def remove(self, entries: Iterable[Entry]) -> None:
        self._remove(set(map(line, entries)))

    def _remove(self, gone: set[str]) -> None:
        with self._lock:
            kept = [x for x in self.path.read_text(encoding="utf-8").splitlines(keepends=True) if x not in gone]
            self._replace(kept)

    def _replace(self, lines: list[str]) -> None:
        new_path = self.path.with_suffix(".new")
        new_path.write_text("".join(lines), encoding="utf-8")
        new_path.replace(self.path)


def line(entry: Entry) -> str:
    at, level, message = entry
    return f"{log_stamp(at)} {level:<5} {message}\n"


def _history(now: float) -> Iterable[Entry]:
    begin = now - HISTORY_S
    yield begin, "INFO", "listening addr=:8080 version=1.1.0 env=production"
    yield begin + 0.4, "ERROR", HARMLESS
    yield begin + 0.5, "INFO", "migration 0001_init: nothing to do"
    yield now - 4000, "ERROR", HARMLESS
    yield now - 200, "ERROR", HARMLESS
    for at in known_before(now):
        yield at, "ERROR", BACKGROUND
    for k in range(1, HISTORY_S // HEARTBEAT_EVERY_S):
        yield now - HEARTBEAT_EVERY_S * k, *heartbeat()


def heartbeat() -> tuple[str, str]:
    # not a secret: the load of a made-up service
    return "INFO", f"webhook batch accepted={random.randint(1, 9)} duplicates={random.randint(0, 1)}"  # noqa: S311
