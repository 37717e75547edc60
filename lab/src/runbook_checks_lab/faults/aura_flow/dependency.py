"""Redis unreachable, full or misconfigured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import MONITOR
from runbook_checks_lab.faults.aura_flow import fault

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("dependency.redis", cause="connection-refused")
def port_closed(lab: Lab) -> None:
    lab.aura_flow.redis_port.behaviour.door = "refused"


@fault("dependency.redis", cause="authentication-failed")
def password_changed(lab: Lab) -> Iterator[None]:
    system = lab.aura_flow
    system.redis.run("ACL", "SETUSER", MONITOR, "resetpass", ">changed-without-the-checks")
    yield
    system.redis.run("ACL", "SETUSER", MONITOR, "resetpass", f">{system.cache_password}")


@fault("dependency.redis", cause="out-of-memory")
def memory_is_full(lab: Lab) -> Iterator[None]:
    with lab.aura_flow.redis.setting("maxmemory", "1mb"):
        yield


@fault("dependency.redis", cause="read-only")
def became_a_replica(lab: Lab) -> Iterator[None]:
    lab.aura_flow.redis.run("REPLICAOF", "127.0.0.1", "1")
    yield
    lab.aura_flow.redis.run("REPLICAOF", "NO", "ONE")
