"""PostgreSQL unreachable, without a free connection, or overloaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.sales_ai import fault, system
from runbook_checks_lab.faults.shared import postgres, strain
from runbook_checks_lab.sales_ai.names import DATABASE

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

postgres.unreachable(fault, system)
postgres.exhausted(fault, system)
strain.long_running(fault, system)
strain.slow_queries(fault, system, "conversations")
strain.lock_waits(fault, system, "conversations", "id")
strain.idle_connections(fault, system)
strain.unused_indexes(fault, system, "conversations", "audio_key")
strain.vacuum_overdue(fault, system, "transcription_jobs")


@fault("database.retention-overdue", cause="archive-not-running")
def nothing_was_archived(lab: Lab) -> Iterator[None]:
    lab.sales_ai.postgres.run(
        "INSERT INTO conversations (lead_id, status, audio_key, created_at)"
        " SELECT 1, 'completed', 'recordings/old.mp3', now() - n * interval '31 days' FROM generate_series(1, 3) AS n",
        database=DATABASE,
    )
    yield
    lab.sales_ai.postgres.run("DELETE FROM conversations WHERE audio_key = 'recordings/old.mp3'", database=DATABASE)
