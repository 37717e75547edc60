"""Wrong variables and a wrong address of the instance that is about to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.ai_customer_service import fault, system
from runbook_checks_lab.faults.shared import preflight

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

DSN = "AI_CS_POSTGRES_DSN"

preflight.variables(fault, system, some="AI_CS_LOG_LEVEL", dsn=DSN, secret="AI_CS_WEBHOOK_SECRET")  # noqa: S106  a name
preflight.wrong_mode(fault, system, "AI_CS_RUNTIME_ENV")
preflight.address_in_use(fault, system, "ai-customer-service")


@fault("preflight.memory-fallback", cause="postgres-disabled")
def postgres_disabled(lab: Lab) -> None:
    lab.customer_service.dotenv.behaviour.values["AI_CS_POSTGRES_ENABLED"] = "false"


@fault("preflight.memory-fallback", cause="dsn-missing")
def dsn_removed(lab: Lab) -> None:
    del lab.customer_service.dotenv.behaviour.values[DSN]
