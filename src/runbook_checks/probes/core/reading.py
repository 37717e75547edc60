"""What does a probe say when it could not look?

NoReading            the resource gave no answer, and why
  NotJson            it answered, but not with JSON            (probes.http.client)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_REASON = 300
# Control characters, marks that turn the direction of writing, and bytes that were no text.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
BLANKS = re.compile(r"\s+")


class NoReading(Exception):
    """The resource gave no answer. Facts about why, never an opinion on what it means.

    resource  the capability that could not be read: "http", "postgres", "tls", "logs", ...
    reason    one sentence without a line break, without secrets
    kind      short token that tells causes apart, or None where there is nothing to tell apart
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
        # args stay (resource, reason): that is what makes copies and pickles of it work.
        super().__init__(resource, reason)
        self.resource = resource
        self.reason = reason
        self.kind = kind
        self.evidence: dict[str, Any] = dict(evidence or {})
        self.attempts = attempts

    def __str__(self) -> str:
        return f"{self.resource}: {self.reason}" if self.resource else self.reason


def one_line(text: str, limit: int = MAX_REASON) -> str:
    """Text from a far end made fit for one line of a report: no control characters, bounded."""
    text = BLANKS.sub(" ", UNPRINTABLE.sub(" ", text)).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
