"""A slash command that does not respond or accepts forged requests, and a revoked bot token."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.sales_ai import fault
from runbook_checks_lab.sales_ai.names import COMMANDS
from runbook_checks_lab.servers.answers import Canned

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.sales_ai.providers.slack import SlackBehaviour
    from runbook_checks_lab.sales_ai.rules import WorkersBehaviour

TOO_LONG_S = 3.4
FOR_EVER = 1000


def _rules(lab: Lab) -> WorkersBehaviour:
    return lab.sales_ai.service.behaviour


def _slack(lab: Lab) -> SlackBehaviour:
    return lab.sales_ai.slack.behaviour


@fault("slack.no-response", cause="signature-rejected")
def another_signing_secret(lab: Lab) -> None:
    _rules(lab).signing_secret = secrets.token_hex(16)


@fault("slack.no-response", cause="endpoint-missing")
def command_not_routed(lab: Lab) -> None:
    _rules(lab).canned[f"POST {COMMANDS}"] = Canned(404, {"error": "Not Found"})


@fault("slack.no-response", cause="too-slow")
def responds_after_work(lab: Lab) -> None:
    _rules(lab).command_delay_s = TOO_LONG_S


@fault("slack.no-response", cause="server-error")
def command_throws(lab: Lab) -> None:
    _rules(lab).canned[f"POST {COMMANDS}"] = Canned(500, {"error": "Internal Server Error"})


@fault("slack.forgery-accepted", cause="unsigned-accepted")
def signature_optional(lab: Lab) -> None:
    _rules(lab).requires_signature = False


@fault("slack.forgery-accepted", cause="tampered-accepted")
def signature_not_compared(lab: Lab) -> None:
    _rules(lab).checks_signature = False


@fault("slack.forgery-accepted", cause="stale-accepted")
def replays_taken(lab: Lab) -> None:
    _rules(lab).checks_age = False


@fault("slack.token-invalid", cause="invalid-auth")
def another_token(lab: Lab) -> None:
    _slack(lab).key = "xoxb-another"


@fault("slack.token-invalid", cause="token-revoked")
def token_revoked(lab: Lab) -> None:
    _slack(lab).error = "token_revoked"


@fault("slack.token-invalid", cause="account-inactive")
def account_inactive(lab: Lab) -> None:
    _slack(lab).error = "account_inactive"


@fault("slack.token-invalid", cause="rate-limited")
def asked_too_often(lab: Lab) -> None:
    _slack(lab).refusals, _slack(lab).retry_after_s = FOR_EVER, 60
