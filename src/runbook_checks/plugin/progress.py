"""The progress of long readings: one line on the terminal, rewritten in place; none without a terminal."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from runbook_checks.plugin.run import context_of, has_run

if TYPE_CHECKING:
    from typing import TextIO

    import pytest

QUIET_S = 3.0  # shorter readings show no progress
EVERY_S = 0.5
CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Writes to the terminal, bypassing pytest's capture."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._begun = self._said = time.monotonic()
        self._is_shown = False
        self._lock = threading.Lock()

    def __call__(self, text: str, is_over: bool) -> None:
        now = time.monotonic()
        with self._lock:
            if is_over and self._is_shown:
                self._write(CLEAR_LINE)
                self._is_shown = False
            elif not is_over and now - self._begun > QUIET_S and now - self._said > EVERY_S:
                self._said, self._is_shown = now, True
                self._write(f"{CLEAR_LINE}{text}")

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()


class _Starting:
    @staticmethod
    def pytest_sessionstart(session: pytest.Session) -> None:
        if sys.stdout.isatty():
            context_of(session.config).progress = Progress(sys.stdout)


def pytest_configure(config: pytest.Config) -> None:
    if has_run(config) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Starting(), "runbook-checks-progress")
