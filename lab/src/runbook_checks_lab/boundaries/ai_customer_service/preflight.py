"""Minimum length of a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.ai_customer_service import boundary

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body


def _secret(length: int) -> Body:
    def body(lab: Lab) -> None:
        values = lab.customer_service.dotenv.behaviour.values
        values["AI_CS_WEBHOOK_SECRET"] = values["AI_CS_WEBHOOK_SECRET"][:length]

    return body


boundary("preflight.example-credential", "16-characters")(_secret(16))
boundary("preflight.example-credential", "15-characters", "too-short")(_secret(15))
