"""What a probe records about each reading of a far end, and what it raises if the reading fails.

Reading              one reading, in the journal of the running check; becomes a step of the report
NoReading            the resource could not be read, and why
  NotJson            it responded, but not with JSON           (probes.http.client)
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

MAX_REASON = 300
# Control characters, marks that change the text direction, and bytes that were not UTF-8.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
BLANKS = re.compile(r"\s+")


class NoReading(Exception):
    """The resource could not be read. It holds facts about the reason, not what that means.

    resource  the capability that could not be read: "http", "postgres", "tls", "logs", ...
    reason    one sentence without a line break, without secrets
    kind      short token that distinguishes reasons, or None if there is only one
    evidence  plain facts (host, port, addresses tried, sqlstate, ...), JSON-ready
    attempts  how often the probe tried
    """

    def __init__(
        self,
        resource: str,
        reason: str,
        *,
        kind: str | None = None,
        evidence: Mapping[str, Any] | None = None,
        attempts: int = 1,
    ) -> None:
        reason = one_line(reason)
        # args stay (resource, reason), so that the exception can be copied and pickled.
        super().__init__(resource, reason)
        self.resource = resource
        self.reason = reason
        self.kind = kind
        self.evidence: dict[str, Any] = dict(evidence or {})
        self.attempts = attempts

    def __str__(self) -> str:
        return f"{self.resource}: {self.reason}" if self.resource else self.reason


def one_line(text: str, limit: int = MAX_REASON) -> str:
    """Return text from a far end as one line of a report: without control characters, and bounded."""
    text = BLANKS.sub(" ", UNPRINTABLE.sub(" ", text)).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@dataclass
class Reading:
    """One reading of a far end, with its time. `facts` is JSON-ready and contains no header values or rows."""

    title: str
    started: float  # seconds since the epoch
    duration_s: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)  # PNG by name, for reports that show them


journal: ContextVar[list[Reading] | None] = ContextVar("journal", default=None)


def picture(name: str, png: bytes) -> None:
    """Add a picture to the journal's newest reading, if a journal is kept."""
    kept = journal.get()
    if kept:
        kept[-1].pictures[name] = png


def tried(attempts: int) -> None:
    """Record in the journal's newest reading how often it was tried, if a journal is kept."""
    kept = journal.get()
    if kept:
        kept[-1].facts["attempts"] = attempts


@contextmanager
def reading(title: str) -> Iterator[dict[str, Any]]:
    """Add a reading to the journal, if one is kept; the caller fills in the facts."""
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
