"""A back end without AI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks_lab.aura_flow.names import AI_STATUS
from runbook_checks_lab.faults.aura_flow import fault
from runbook_checks_lab.servers.answers import Canned

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


def say(lab: Lab, **differently: Any) -> None:
    usual = {
        "provider": "openai",
        "provider_status": "ok",
        "quota": {"used": 4_120, "limit": 20_000},
        "cost": {"today": 11.4, "daily_limit": 50.0},
        "degraded": False,
    }
    lab.aura_flow.service.behaviour.canned[f"GET {AI_STATUS}"] = Canned(200, usual | differently)


@fault("ai.quota-exceeded", cause="quota-exceeded")
def quota_used_up(lab: Lab) -> None:
    say(lab, quota={"used": 20_000, "limit": 20_000})


@fault("ai.quota-exceeded", cause="cost-limit-reached")
def money_spent(lab: Lab) -> None:
    say(lab, cost={"today": 50.2, "daily_limit": 50.0})


@fault("ai.quota-exceeded", cause="provider-down")
def provider_down(lab: Lab) -> None:
    say(lab, provider_status="down")


@fault("ai.quota-exceeded", cause="degraded-mode")
def degraded(lab: Lab) -> None:
    say(lab, degraded=True)
