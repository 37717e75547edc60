"""A log of JSON lines that can be moved away, extended in the past, and restored."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class JsonLines:
    """Each line is appended with its own write; `moment` returns the time by which lines are ordered."""

    def __init__(self, path: Path, moment: Callable[[Event], Any]) -> None:
        self.path = path
        self._moment = moment
        self._lock = threading.Lock()
        self._is_paused = False

    def write(self, *events: Event) -> None:
        if not self._is_paused:
            with self._lock, contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
                file.writelines(map(_line, events))

    def fill(self, events: Iterable[Event]) -> None:
        self.path.write_text("".join(map(_line, sorted(events, key=self._moment))), encoding="utf-8")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    @contextlib.contextmanager
    def with_events(self, events: Iterable[Event]) -> Iterator[None]:
        """Insert events into the log in order of time, and remove them afterwards."""
        added = set(map(_line, events))
        self._rewrite(lambda lines: sorted([*lines, *added], key=lambda line: self._moment(json.loads(line))))
        try:
            yield
        finally:
            self._rewrite(lambda lines: [line for line in lines if line not in added])

    def _rewrite(self, change: Callable[[list[str]], list[str]]) -> None:
        with self._lock:
            new_path = self.path.with_suffix(".new")
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            new_path.write_text("".join(change(lines)), encoding="utf-8")
            new_path.replace(self.path)


def _line(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False) + "\n"
