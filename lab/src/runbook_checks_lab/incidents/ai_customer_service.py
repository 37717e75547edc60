"""Incidents of AI Customer Service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.ai_customer_service import system
from runbook_checks_lab.incidents import shared
from runbook_checks_lab.registry import IncidentsOf

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

incident = IncidentsOf("ai-customer-service")
shared.name_server_gone(incident)
shared.certificate_expired(incident, system)
shared.clock_off(incident, system)


@incident("database-gone")
def postgres_ended(lab: Lab) -> Iterator[None]:
    yield from shared.database_ended(lab, system(lab))
