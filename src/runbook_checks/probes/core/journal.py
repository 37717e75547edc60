"""What was read, when, and how long did it take? (Becomes the steps of a report.)"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from runbook_checks.probes.core.reading import NoReading


@dataclass
class Reading:
    """One look at one far end. `facts` is JSON-ready and holds no header values or rows by itself."""

    title: str
    started: float  # seconds since the epoch
    duration_s: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)  # PNG by name, for reports that can show them


journal: ContextVar[list[Reading] | None] = ContextVar("journal", default=None)


def picture(name: str, png: bytes) -> None:
    """Add a picture to the journal's newest reading, if one is kept."""
    kept = journal.get()
    if kept:
        kept[-1].pictures[name] = png


def tried(attempts: int) -> None:
    """Note on the journal's newest reading how often it was tried, if one is kept."""
    kept = journal.get()
    if kept:
        kept[-1].facts["attempts"] = attempts


@contextmanager
def reading(title: str) -> Iterator[dict[str, Any]]:
    """Enter one reading in the journal, if one is kept; the caller fills in the facts."""
    entry = Reading(title, started=time.time())
    begun = time.monotonic()
    try:
        yield entry.facts
    except NoReading as gone:
        entry.facts["no_reading"] = gone.reason
        if gone.kind:
            entry.facts["kind"] = gone.kind
        if gone.attempts > 1:
            entry.facts["attempts"] = gone.attempts
        raise
    finally:
        entry.duration_s = time.monotonic() - begun
        kept = journal.get()
        if kept is not None:
            kept.append(entry)
