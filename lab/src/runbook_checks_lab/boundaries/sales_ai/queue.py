"""Limits on failed and waiting messages, and the difference between a failing, a stalled and a slow consumer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.sales_ai import boundary
from runbook_checks_lab.faults.sales_ai.queue import SPAN_S
from runbook_checks_lab.sales_ai.logfile import failure

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body


def _failing(success: int, failed: int, **logged: int) -> Body:
    """Set messages a minute, and the failures of each code in the log."""

    def body(lab: Lab) -> Iterator[None]:
        lab.sales_ai.cloudflare.behaviour.a_minute.update(success=success, dlq=failed)
        codes = [code for code, count in logged.items() for _ in range(count)]
        now = time.time()
        events = [failure(now - 5 - SPAN_S * n / max(1, len(codes)), code, n) for n, code in enumerate(codes)]
        with lab.sales_ai.log.with_events(events):
            yield

    return body


# Five percent may fail. A cause is reported if it has a fifth of the failures in the log.
boundary("queue.failing", "4-percent")(_failing(96, 4, DATABASE_ERROR=60))
boundary("queue.failing", "6-percent", "database-error")(_failing(94, 6, DATABASE_ERROR=60))
boundary("queue.failing", "a-third-of-another-kind", "database-error", "file-download-failed")(
    _failing(90, 10, DATABASE_ERROR=40, FILE_DOWNLOAD_FAILED=20)
)
boundary("queue.failing", "a-sixth-of-another-kind", "database-error")(
    _failing(90, 10, DATABASE_ERROR=50, FILE_DOWNLOAD_FAILED=10)
)
boundary("queue.failing", "no-log", "None", settings={"logs": None})(_failing(90, 10))
# Two failures are tolerated, however few messages there were.
boundary("queue.failing", "half-of-a-handful", settings={"queue.failed_tolerated": 20})(_failing(1, 1))


def _waiting(backlog: float, read: int, success: int, failed: int = 0) -> Body:
    def body(lab: Lab) -> None:
        rules = lab.sales_ai.cloudflare.behaviour
        rules.backlog, rules.oldest_age_s = backlog, 900.0
        rules.a_minute = {"written": 40, "read": read, "success": success, "dlq": failed}

    return body


boundary("queue.backlog", "95-wait")(_waiting(95, 40, 40))
boundary("queue.backlog", "106-wait", "consumer-slow")(_waiting(106, 40, 40))
# A consumer fails if half of the messages fail, or if twice as many are read as are finished.
boundary("queue.backlog", "45-percent-fail", "consumer-slow")(_waiting(640, 100, 55, 45))
boundary("queue.backlog", "55-percent-fail", "consumer-failing")(_waiting(640, 80, 45, 55))
boundary("queue.backlog", "taken-1.8-times", "consumer-slow")(_waiting(640, 72, 40))
boundary("queue.backlog", "taken-2.3-times", "consumer-failing")(_waiting(640, 92, 40))
boundary("queue.backlog", "taken-and-nothing-finished", "consumer-failing")(_waiting(640, 30, 0))
