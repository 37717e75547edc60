"""The NoReading for a host name without an address, and whether the name or its resolver is to blame."""

from __future__ import annotations

from runbook_checks.probes.core.reading import NoReading


def not_resolved(
    resource: str, host: str, why: str, *, resolver: str | None = None, state: str | None = None
) -> NoReading:
    """A name without an address.

    state  None: it is told of the name. "silent": the resolver answers nothing at all. "failing": it has no answer
           to this question, and whether that is the name's fault or the resolver's is open.
    """
    blamed = {"resolver": resolver, "resolver_state": state} if state else {}
    return NoReading(
        resource,
        f"the name {host} can't be resolved: {why}",
        kind="name-not-resolved",
        evidence={"host": host, **blamed},
    )
