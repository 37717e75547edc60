"""A webhook that accepts forged deliveries, refuses genuine ones, or loses what it accepted."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from runbook_checks_lab.customer_service.names import PREFIX, WEBHOOK
from runbook_checks_lab.customer_service.rules import ServiceBehaviour
from runbook_checks_lab.faults.ai_customer_service import fault, system
from runbook_checks_lab.faults.shared import health
from runbook_checks_lab.servers.answers import Canned

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

FAR_OFF_S = 1500.0  # larger than the age of any delivery in a check, so that stale ones stay stale

health.clock_drift(fault, system)


def _rules(lab: Lab) -> ServiceBehaviour:
    return lab.customer_service.service.behaviour


@fault("webhook.signature-rejected", cause="secret-mismatch")
def another_secret(lab: Lab) -> None:
    _rules(lab).secret = secrets.token_urlsafe(32)


@fault("webhook.signature-rejected", cause="clock-skew")
def clock_far_off(lab: Lab) -> None:
    _rules(lab).clock_offset_s = FAR_OFF_S


@fault("webhook.signature-rejected", cause="header-dropped")
def proxy_drops_the_signature(lab: Lab) -> None:
    _rules(lab).loses_signature = True


@fault("webhook.signature-rejected", cause="skew-limit-too-small")
def half_a_minute_is_allowed(lab: Lab) -> None:
    _rules(lab).max_skew_s = 30.0


@fault("webhook.signature-rejected", cause="endpoint-missing")
def webhook_not_routed(lab: Lab) -> None:
    _rules(lab).canned[f"POST {WEBHOOK}"] = Canned(404, {"detail": "Not Found"})


@fault("webhook.unsigned-accepted", cause="accepted")
def signature_optional(lab: Lab) -> None:
    _rules(lab).requires_signature = False


@fault("webhook.unsigned-accepted", cause="wrong-code")
def unsigned_has_another_code(lab: Lab) -> None:
    _rules(lab).codes["unsigned"] = "CS_AUTH_4039"


@fault("webhook.tampered-accepted", cause="accepted")
def signature_not_compared(lab: Lab) -> None:
    _rules(lab).checks_signature = False


@fault("webhook.tampered-accepted", cause="wrong-code")
def forged_has_another_code(lab: Lab) -> None:
    _rules(lab).codes["forged"] = "CS_AUTH_4039"


@fault("webhook.stale-accepted", cause="accepted")
def replay_window_left_open(lab: Lab) -> None:
    _rules(lab).checks_age = False


@fault("webhook.stale-accepted", cause="wrong-code")
def stale_has_another_code(lab: Lab) -> None:
    _rules(lab).codes["stale"] = "CS_AUTH_4039"


@fault("webhook.stale-accepted", cause="limit-differs")
def an_hour_is_allowed(lab: Lab) -> None:
    _rules(lab).max_skew_s = 3600.0


@fault("webhook.duplicate-processed", cause="processed-twice")
def duplicates_processed(lab: Lab) -> None:
    _rules(lab).drops_duplicates = False


@fault("webhook.chain-broken", cause="step-failed")
def resolve_fails(lab: Lab) -> None:
    failure = {"code": "CS_TICKET_5001", "message": "the ticket could not be resolved"}
    _rules(lab).canned[f"POST {PREFIX}/sessions/*/resolve"] = Canned(500, failure)


@fault("webhook.chain-broken", cause="audit-rows-missing")
def audit_not_written(lab: Lab) -> None:
    _rules(lab).writes_audit = False
