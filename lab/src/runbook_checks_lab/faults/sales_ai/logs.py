"""Errors in the Workers' log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.sales_ai import fault
from runbook_checks_lab.sales_ai.logfile import event, failure

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("logs.errors", cause="new-error")
def command_throws(lab: Lab) -> Iterator[None]:
    now = time.time()
    events = [event(now - 4 - 20 * n, "slack-bot", "log") for n in range(12)]
    for entry in events:
        exception = {"name": "TypeError", "message": "files is not iterable", "timestamp": entry["eventTimestamp"]}
        entry.update(outcome="exception", exceptions=[exception])
    with lab.sales_ai.log.with_events(events):
        yield


@fault("logs.errors", cause="error-surge")
def retries_surge(lab: Lab) -> Iterator[None]:
    """Each message is retried and then completed, so the queue's own figures show nothing."""
    now = time.time()
    with lab.sales_ai.log.with_events([failure(now - 4 - 12 * n, "GROQ_API_ERROR", n) for n in range(60)]):
        yield
