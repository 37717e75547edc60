"""A login that locks users out or lets strangers in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.aura_flow import fault, system

if TYPE_CHECKING:
    from runbook_checks_lab.aura_flow.rules import ServiceBehaviour, TokenRules
    from runbook_checks_lab.lab import Lab

SOON_S = 3.6  # an hour's seconds read as milliseconds


def _rules(lab: Lab) -> ServiceBehaviour:
    return system(lab).service.behaviour


def _token(lab: Lab) -> TokenRules:
    return _rules(lab).token


@fault("auth.login-failing", cause="login-refused")
def users_gone(lab: Lab) -> None:
    _rules(lab).knows_users = False


@fault("auth.login-failing", cause="token-rejected")
def instances_with_different_secrets(lab: Lab) -> None:
    _token(lab).issues_with_another_key = True


@fault("auth.login-failing", cause="token-expired-early")
def seconds_taken_for_milliseconds(lab: Lab) -> None:
    _token(lab).lifetime_s = SOON_S


@fault("auth.forgery-accepted", cause="unsigned-accepted")
def none_is_an_algorithm(lab: Lab) -> None:
    _token(lab).takes_unsigned = True


@fault("auth.forgery-accepted", cause="expired-accepted")
def times_not_checked(lab: Lab) -> None:
    _token(lab).checks_times = False


@fault("auth.forgery-accepted", cause="tampered-accepted")
def embedded_keys_believed(lab: Lab) -> None:
    _token(lab).takes_embedded_keys = True


@fault("auth.forgery-accepted", cause="anonymous-accepted")
def token_optional(lab: Lab) -> None:
    _token(lab).is_required = False


@fault("auth.role-not-enforced", cause="accepted")
def role_not_checked(lab: Lab) -> None:
    _token(lab).checks_role = False


@fault("auth.rate-limit-missing", cause="not-limited")
def logins_without_limit(lab: Lab) -> None:
    _rules(lab).limits_logins = False
