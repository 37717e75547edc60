"""Incidents that any system can register as its own (see faults/shared)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, Web, WithMariaDb, WithPostgres

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import IncidentsOf
    from runbook_checks_lab.servers.mariadb import MariaDb
    from runbook_checks_lab.servers.postgres import Postgres

CLOCK_OFF_S = 600.0


def name_server_gone(incident: IncidentsOf) -> None:
    """All systems share one name server."""

    @incident("name-server-gone")
    def name_server_stopped(lab: Lab) -> None:
        lab.dns.behaviour.is_gone = True

    @incident("name-server-silent")
    def name_server_hangs(lab: Lab) -> None:
        lab.dns.behaviour.is_silent = True


def certificate_expired(incident: IncidentsOf, of: Of[Web]) -> None:
    @incident("certificate-expired")
    def front_certificate_expired(lab: Lab) -> None:
        behaviour = of(lab).front.behaviour
        behaviour.chain = replace(behaviour.chain, days_left=-2)


def clock_off(incident: IncidentsOf, of: Of[Web]) -> None:
    @incident("clock-behind")
    def ten_minutes_behind(lab: Lab) -> None:
        of(lab).service.behaviour.clock_offset_s = -CLOCK_OFF_S

    @incident("clock-ahead")
    def ten_minutes_ahead(lab: Lab) -> None:
        of(lab).service.behaviour.clock_offset_s = CLOCK_OFF_S


def database_ended(lab: Lab, system: WithPostgres | WithMariaDb) -> Iterator[None]:
    """The server's process ends, and its port refuses connections."""
    server: Postgres | MariaDb = system.postgres if hasattr(system, "postgres") else system.mariadb
    system.database_port.behaviour.door = "refused"
    lab.on_loop(server.end_server())
    yield
    lab.on_loop(server.run_server(), patience_s=30)
