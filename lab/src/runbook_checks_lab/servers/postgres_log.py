"""The statements that PostgreSQL ran, and their users."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_S = 3.0
STATEMENT = re.compile(r"^(?:statement|execute [^:]+): (.*)", re.DOTALL)


class StatementLog:
    """PostgreSQL's own log (log_statement = all, one JSON object a line), read from where it was last cleared."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin = 0

    def clear(self, mark: Callable[[str], None]) -> None:
        self._begin = len(self._lines_up_to_now(mark))

    def read(self, mark: Callable[[str], None], leave_out: str) -> list[dict[str, Any]]:
        entries = (json.loads(line) for line in self._lines_up_to_now(mark)[self._begin :] if line.startswith("{"))
        ran = (entry for entry in entries if STATEMENT.match(entry.get("message", "")))
        return [_row(entry) for entry in ran if _by(entry) != leave_out]

    def _lines_up_to_now(self, mark: Callable[[str], None]) -> list[str]:
        """Return the lines up to a marker. Backends write to one pipe in order, so earlier lines are complete."""
        marker = f"mark {secrets.token_hex(8)}"
        mark(marker)
        deadline = time.monotonic() + PATIENCE_S
        while marker not in (text := self._path.read_text(errors="replace")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._path} did not catch up")
            time.sleep(0.01)
        return text.splitlines()


def _by(entry: dict[str, Any]) -> str:
    return str(entry.get("application_name", ""))


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    matched = STATEMENT.match(entry["message"])
    assert matched
    return {
        "at": entry["timestamp"],
        "user": entry.get("user"),
        "database": entry.get("dbname"),
        "application_name": _by(entry),
        "pid": entry.get("pid"),
        "statement": matched[1],
        "detail": entry.get("detail"),
    }
