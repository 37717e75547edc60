"""The log of every request that reached a server of this lab, kept by the servers themselves.

Services and databases keep logs with more in them (`requests`, `statements`). This log has one line for each request to
any HTTP server, and what Redis, nginx and Prometheus report about themselves.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

KEPT = 50_000
Row = dict[str, Any]
# Each lab is one process.
ENTRIES: deque[Row] = deque(maxlen=KEPT)


def record(server: str, what: str) -> None:
    ENTRIES.append({"server": server, "what": what})


class LogOf:
    """A server's own log file, read from where it was last cleared."""

    def __init__(self, server: str, path: Path) -> None:
        self._server, self._path, self._begin = server, path, 0

    def clear(self) -> None:
        self._begin = self._path.stat().st_size if self._path.is_file() else 0

    def rows(self) -> list[Row]:
        if not self._path.is_file():
            return []
        with self._path.open("rb") as file:
            file.seek(self._begin if self._begin <= self._path.stat().st_size else 0)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return [{"server": self._server, "what": self.description(line)} for line in lines if line.strip()]

    @staticmethod
    def description(line: str) -> str:
        return line


class QueryLog(LogOf):
    """Prometheus' log of queries: JSON, one a line."""

    @staticmethod
    def description(line: str) -> str:
        asked = json.loads(line).get("httpRequest", {})
        return f"{asked.get('method')} {asked.get('path')}"
