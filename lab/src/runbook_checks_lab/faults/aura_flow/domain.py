"""Invalid certificates on nginx, and other failures of HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.faults.shared import certificates

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

certificates.served(fault, system)


@fault("domain.https-broken", cause="connection-refused")
def port_closed(lab: Lab) -> None:
    lab.aura_flow.front.behaviour.door = "refused"


@fault("domain.https-broken", cause="handshake-failed")
def plain_http_on_the_tls_port(lab: Lab) -> None:
    lab.aura_flow.front.behaviour.handshake_is_garbage = True


@fault("domain.https-broken", cause="not-routed")
def no_server_block_of_the_name(lab: Lab) -> None:
    lab.aura_flow.front.behaviour.page = 404


@fault("domain.https-broken", cause="server-error")
def upstream_gone(lab: Lab) -> None:
    lab.aura_flow.front.behaviour.page = 502
