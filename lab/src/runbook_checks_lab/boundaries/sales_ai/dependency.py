"""Limit on Groq's remaining quota, and objects that count as recordings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.sales_ai import boundary
from runbook_checks_lab.boundaries.states import responds
from runbook_checks_lab.sales_ai.providers.groq import PREFIX
from runbook_checks_lab.sales_ai.storage import BUCKET
from runbook_checks_lab.sales_ai.storage import PREFIX as RECORDINGS

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body


def _left(requests: int) -> Body:
    def body(lab: Lab) -> None:
        lab.sales_ai.groq.behaviour.requests_left = requests

    return body


_REFUSAL = {"error": {"message": "not for you", "code": "none"}}
_responds = partial(responds, lambda lab: lab.sales_ai.groq.behaviour, f"GET {PREFIX}/models", answer=_REFUSAL)

# A tenth of 14,400 requests a day must remain.
boundary("dependency.groq-limited", "11-percent-left")(_left(1590))
boundary("dependency.groq-limited", "9-percent-left", "quota-low")(_left(1290))
boundary("dependency.groq-limited", "403", "unknown")(_responds(403))
boundary("dependency.groq-limited", "500", "unknown")(_responds(500))


def _empty(*names: str, before_recordings: bool) -> Body:
    """Objects without content, alone or listed before the recordings."""

    def body(lab: Lab) -> Iterator[None]:
        storage, client = lab.sales_ai.storage, lab.moto.client("s3")
        if not before_recordings:
            storage.remove()
        for name in names:
            client.put_object(Bucket=BUCKET, Key=RECORDINGS + name, Body=b"")
        yield
        storage.remove()
        storage.put_back()

    return body


boundary("dependency.object-storage", "folder-mark-first")(_empty("", before_recordings=True))
boundary("dependency.object-storage", "folder-mark-alone", "object-missing")(_empty("", before_recordings=False))
