"""Read entries of a time window from a log file.

It is read from the end backwards, block by block: a log may be far larger than the window. Rotated files beside it
(`.1`, `.1.gz`, `.2`, `.2.gz`) are read where the window reaches further back than the file does.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.logs.lines import Entry, entries_of, group_message
from runbook_checks.probes.logs.rotation import MAX_BYTES, OLDER_IN_A_ROW, RESOURCE, read_back
from runbook_checks.probes.logs.tail import Budget

__all__ = ["Entry", "LogReading", "group_message", "read_entries"]


@dataclass(frozen=True)
class LogReading:
    """The entries of a window, oldest first, and how far back was read."""

    entries: list[Entry]
    first_time: float | None  # of the oldest and the newest entry that was read, inside the window or not
    last_time: float | None
    complete: bool  # the window was read to its beginning, or to where the log begins
    is_alive: bool = False  # a query of its own has shown that the log is in use


def read_entries(path: Path, *, since: float, until: float, max_bytes: int = MAX_BYTES) -> LogReading:
    """The entries with since <= time <= until (seconds since the epoch).

    Lines without a time (stack traces) belong to the entry before. A time without a zone is this host's. NoReading
    where the file can't be read, or has text but no time that can be read.
    """
    with reading(f"read {path}") as facts:
        seen = _Seen(since)
        complete = seen.read(path, Budget(max_bytes))
        kept = [entry for entry in reversed(seen.entries) if since <= entry.time <= until]
        times = [entry.time for entry in seen.entries]
        first, last = (min(times), max(times)) if times else (None, None)
        facts.update(entries=len(kept), complete=complete, last_time=last)
        return LogReading(kept, first, last, complete)


class _Seen:
    """The entries read so far, newest first."""

    def __init__(self, since: float) -> None:
        self.entries: list[Entry] = []
        self._since = since
        self._older = 0
        self._has_text = False

    def read(self, path: Path, budget: Budget) -> bool:
        """Read back to the window's or the log's beginning (True), or until the budget is spent (False)."""
        how_far = read_back(path, budget, self._take)
        if how_far != "unreadable" and self._has_text and not self.entries:
            raise NoReading(RESOURCE, f"no line of {path} begins with a time that can be read", kind="no-timestamps")
        return how_far == "whole"

    def _take(self, lines: Generator[str, None, None]) -> bool:
        following = ""
        with closing(lines):
            for line in lines:
                self._has_text = self._has_text or bool(line.strip())
                found = entries_of(line, following)
                if not found:
                    following = line
                    continue
                following = ""
                self.entries += reversed(found)
                self._older = self._older + 1 if found[-1].time < self._since else 0
                if self._older >= OLDER_IN_A_ROW:
                    return True
        return False
