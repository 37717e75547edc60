"""Limits of the AI quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks_lab.boundaries.aura_flow import boundary
from runbook_checks_lab.faults.aura_flow.ai import say

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body


def _responds(**differently: Any) -> Body:
    def body(lab: Lab) -> None:
        say(lab, **differently)

    return body


boundary("ai.quota-exceeded", "one-request-left")(_responds(quota={"used": 19_999, "limit": 20_000}))
boundary("ai.quota-exceeded", "one-cent-left")(_responds(cost={"today": 49.99, "daily_limit": 50.0}))
boundary("ai.quota-exceeded", "no-cent-left", "cost-limit-reached")(
    _responds(cost={"today": 50.0, "daily_limit": 50.0})
)
