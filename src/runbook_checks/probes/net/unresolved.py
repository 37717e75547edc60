"""The NoReading for a host name without an address, and whether the name or its resolver is the reason."""

from __future__ import annotations

from runbook_checks.probes.core.reading import NoReading


def not_resolved(
    resource: str, host: str, why: str, *, resolver: str | None = None, state: str | None = None
) -> NoReading:
    """Return the NoReading for a name without an address.

    state  None: the reason is the name. "silent": the resolver responds to no query. "failing": it does not answer
           this query, because of the name or the resolver.
    """
    blamed = {"resolver": resolver, "resolver_state": state} if state else {}
    return NoReading(
        resource,
        f"the name {host} can't be resolved: {why}",
        kind="name-not-resolved",
        evidence={"host": host, **blamed},
    )
