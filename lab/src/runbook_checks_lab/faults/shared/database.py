"""A database of any engine that cannot be reached over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithDatabase

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf


def unreachable(fault: FaultsOf, of: Of[WithDatabase]) -> None:
    @fault("database.unreachable", cause="name-not-resolved")
    def name_gone(lab: Lab) -> None:
        lab.dns.behaviour.rcodes[of(lab).database_host] = "NXDOMAIN"

    @fault("database.unreachable", cause="connection-refused")
    def port_closed(lab: Lab) -> None:
        of(lab).database_port.behaviour.door = "refused"

    @fault("database.unreachable", cause="connect-timeout")
    def packets_dropped(lab: Lab) -> None:
        of(lab).database_port.behaviour.door = "silent"
