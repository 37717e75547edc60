"""Limits on the time to create a workspace's database, and failures that were resolved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.reverseai import boundary
from runbook_checks_lab.faults.reverseai import provision, system

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

MINUTE_S = provision.MINUTE_S


def _record(status: str, age_min: float, still_min: float, *failed_min: float) -> Body:
    """Add a record of this age, last updated `still_min` ago, with failures at these ages."""

    def body(lab: Lab) -> Iterator[None]:
        failures = [(ago * MINUTE_S, "PROVISION_FAILED", "connect ETIMEDOUT 10.0.4.2:3306") for ago in failed_min]
        yield from provision.record(lab, status, age_min * MINUTE_S, *failures, still_s=still_min * MINUTE_S)

    return body


# The limit is 15 minutes; a record that keeps being updated is stuck if it failed more than once.
boundary("provision.stuck", "13-min")(_record("provisioning", 13, 13))
boundary("provision.stuck", "17-min", "not-picked-up")(_record("provisioning", 17, 17))
boundary("provision.stuck", "at-work")(_record("provisioning", 40, 2))
boundary("provision.stuck", "failed-once-and-at-work")(_record("provisioning", 40, 2, 10))
boundary("provision.stuck", "failed-twice-and-at-work", "repeated-failure")(_record("provisioning", 40, 2, 20, 10))
boundary("provision.stuck", "failed-twice-and-young")(_record("provisioning", 10, 2, 8, 5))

# A record that became ready later is resolved; one that is still being retried is reported by the other check.
boundary("provision.failed", "ready-afterwards")(_record("ready", 40, 5, 19))
boundary("provision.failed", "ready-before", "network")(_record("ready", 40, 30, 19))
boundary("provision.failed", "still-tried")(_record("provisioning", 10, 2, 5))


def _quota(used: float) -> Body:
    def body(lab: Lab) -> None:
        system(lab).service.behaviour.quotas[provision.OLD] = {"used": used, "limit": 10.0}

    return body


boundary("provision.quota-exceeded", "60-percent")(_quota(6.0))
boundary("provision.quota-exceeded", "89-percent")(_quota(8.9))
boundary("provision.quota-exceeded", "91-percent", "P3 near-quota")(_quota(9.1))
boundary("provision.quota-exceeded", "99-percent", "P3 near-quota")(_quota(9.9))
