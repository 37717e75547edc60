"""Which certificates can the front serve that it should not?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.faults.ai_customer_service import fault

if TYPE_CHECKING:
    from lab.lab import Lab


def _serve(lab: Lab, **different: Any) -> None:
    behaviour = lab.customer_service.front.behaviour
    behaviour.chain = replace(behaviour.chain, **different)


@fault("domain.certificate-expired", cause="expired")
def expired(lab: Lab) -> None:
    _serve(lab, days_left=-2)


@fault("domain.certificate-expired", cause="not-yet-valid")
def not_yet_valid(lab: Lab) -> None:
    _serve(lab, days_left=92)


@fault("domain.certificate-expiring", cause="renewal-due")
def two_weeks_left(lab: Lab) -> None:
    _serve(lab, days_left=14)


@fault("domain.certificate-expiring", cause="renewal-failing")
def three_days_left(lab: Lab) -> None:
    _serve(lab, days_left=3)


@fault("domain.certificate-invalid", cause="wrong-host")
def for_another_host(lab: Lab) -> None:
    _serve(lab, names=("shop.lab.test",))


@fault("domain.certificate-invalid", cause="self-signed")
def self_signed(lab: Lab) -> None:
    _serve(lab, issuer="itself")


@fault("domain.certificate-invalid", cause="untrusted-issuer")
def from_a_stranger(lab: Lab) -> None:
    _serve(lab, issuer="stranger")


@fault("domain.certificate-invalid", cause="chain-incomplete")
def without_intermediate(lab: Lab) -> None:
    _serve(lab, sends_intermediate=False)


@fault("domain.certificate-invalid", cause="weak-key-or-signature")
def short_key(lab: Lab) -> None:
    _serve(lab, key="RSA 1024")
