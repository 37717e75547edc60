"""State of the running Workers: rules, clock, log and conversations."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.sales_ai.rules import WorkersBehaviour
from runbook_checks_lab.servers.answers import Versions, clock_of

if TYPE_CHECKING:
    from runbook_checks_lab.sales_ai.logfile import WorkersLog

STATUSES = ("completed", "completed", "transcribing", "pending")


class Workers:
    """The state that the routes share; faults change `behaviour`."""

    def __init__(self, log: WorkersLog) -> None:
        self.behaviour = WorkersBehaviour()
        self.clock = clock_of(lambda: self.behaviour)
        self.versions = Versions(lambda: self.behaviour)
        self.log = log
        self.conversations = [_conversation(number) for number in range(40)]

    async def settle(self) -> None:
        """Responses are made from the behaviour when requested, so there is nothing to do."""


def _conversation(number: int) -> dict[str, Any]:
    return {
        "id": uuid.UUID(int=number + 1),
        "lead": f"Lead {number % 13}",
        "status": STATUSES[number % 4],
        "audio_key": f"recordings/call-{number:04}.mp3",
        "created_at": datetime.now(UTC) - timedelta(hours=3 * number + 1),
    }
