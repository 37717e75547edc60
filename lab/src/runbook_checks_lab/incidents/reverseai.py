"""Incidents of ReverseAI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import system
from runbook_checks_lab.incidents import shared
from runbook_checks_lab.registry import IncidentsOf, faults
from runbook_checks_lab.reverseai.log import errors

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

incident = IncidentsOf("reverseai")
shared.name_server_gone(incident)
shared.certificate_expired(incident, system)


@incident("database-gone")
def mariadb_ended(lab: Lab) -> Iterator[None]:
    lost = errors("connect ECONNREFUSED: database connection lost", 40, 6)
    with system(lab).loki.with_lines({"service": "api"}, lost):
        yield from shared.database_ended(lab, system(lab))


@incident("llm-provider-down")
def models_overloaded(lab: Lab) -> Iterator[None]:
    """Executions fail in their llm nodes, and the runtime's log shows it."""
    overloaded = errors("node llm: provider answered 503: model is overloaded", 40, 6)
    with ExitStack() as stack:
        stack.enter_context(faults(["reverseai"])["execution.failing:llm-provider@reverseai"].entered(lab))
        stack.enter_context(system(lab).loki.with_lines({"service": "runtime"}, overloaded))
        yield
