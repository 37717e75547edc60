"""Limits on connections, statement durations and dead rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.sales_ai import boundary
from runbook_checks_lab.faults.shared.postgres import crowd_of
from runbook_checks_lab.registry import as_fault
from runbook_checks_lab.sales_ai.names import DATABASE

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

SYSTEM = "sales-ai"


def _crowd(share: float) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        yield from crowd_of(lab.sales_ai, "background-worker", "SELECT 1", share)

    return body


boundary("database.connections-exhausted", "60-percent")(_crowd(0.6))
boundary("database.connections-exhausted", "72-percent")(_crowd(0.72))

# A statement that waits for a lock is not the cause; the lock check reports it.
boundary("database.long-running-query", "a-minute-allowed", settings={"postgres.long_running_s": 60})(
    as_fault("database.long-running-query:running-statement", SYSTEM)
)
boundary(
    "database.long-running-query", "waits-for-a-lock", "idle-in-transaction", settings={"postgres.long_running_s": 0.3}
)(as_fault("database.lock-waits:blocked-by-idle-transaction", SYSTEM))
boundary("database.lock-waits", "a-minute-allowed", settings={"postgres.lock_wait_s": 60})(
    as_fault("database.lock-waits:blocked-by-idle-transaction", SYSTEM)
)
boundary("database.idle-connections", "a-minute-allowed", settings={"postgres.idle_s": 60})(
    as_fault("database.idle-connections:leaked-connections", SYSTEM)
)


def _dead(of: int, gone: int, vacuum: str = "") -> Body:
    """Add a table with `of` rows of which `gone` were deleted."""

    def body(lab: Lab) -> Iterator[None]:
        run = lab.sales_ai.postgres.run
        run("CREATE TABLE jobs (id integer, note text)", database=DATABASE)
        run(f"INSERT INTO jobs SELECT n, 'to do' FROM generate_series(1, {of}) AS n", database=DATABASE)  # noqa: S608  constants
        if vacuum:
            run(vacuum, database=DATABASE)
        run(f"DELETE FROM jobs WHERE id <= {gone}", database=DATABASE)  # noqa: S608
        time.sleep(0.6)
        yield
        run("DROP TABLE jobs", database=DATABASE)

    return body


# At least a thousand dead rows and 40 % of all, unless a vacuum ran recently.
boundary("database.vacuum-overdue", "few-but-most")(_dead(900, 800))
boundary("database.vacuum-overdue", "many-but-a-third")(_dead(10000, 3400))
boundary("database.vacuum-overdue", "nearly-half", "never-vacuumed")(_dead(10000, 4600))
boundary("database.vacuum-overdue", "vacuumed-lately", settings={"postgres.vacuum_h": 1})(
    _dead(10000, 4600, vacuum="VACUUM jobs")
)

boundary("database.slow-queries", "a-minute-allowed", settings={"postgres.slow_statement_ms": 60_000})(
    as_fault("database.slow-queries:slow-statement", SYSTEM)
)
boundary("database.unused-indexes", "counters-too-young", "unknown", settings={"postgres.statistics_days": 1})(
    as_fault("database.unused-indexes:never-scanned", SYSTEM)
)


def _completed(days: float, status: str = "completed") -> Body:
    """Add a conversation from this many days ago."""

    def body(lab: Lab) -> Iterator[None]:
        run = lab.sales_ai.postgres.run
        run(
            "INSERT INTO conversations (lead_id, status, audio_key, created_at)"  # noqa: S608  constants
            f" VALUES (1, '{status}', 'recordings/limit.mp3', now() - {days} * interval '1 day')",
            database=DATABASE,
        )
        yield
        run("DELETE FROM conversations WHERE audio_key = 'recordings/limit.mp3'", database=DATABASE)

    return body


# Completed conversations are kept for 30 days.
boundary("database.retention-overdue", "29.9-days")(_completed(29.9))
boundary("database.retention-overdue", "30.1-days", "archive-not-running")(_completed(30.1))
