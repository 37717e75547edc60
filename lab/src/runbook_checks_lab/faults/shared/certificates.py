"""Invalid certificates on a front."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.faults.shared import Of, Web

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf

SERVED: dict[str, dict[str, Any]] = {
    "domain.certificate-expired:expired": {"days_left": -2},
    "domain.certificate-expired:not-yet-valid": {"days_left": 92},
    "domain.certificate-expiring:renewal-due": {"days_left": 14},
    "domain.certificate-expiring:renewal-failing": {"days_left": 3},
    "domain.certificate-invalid:wrong-host": {"names": ("shop.lab.test",)},
    "domain.certificate-invalid:self-signed": {"issuer": "itself"},
    "domain.certificate-invalid:untrusted-issuer": {"issuer": "stranger"},
    "domain.certificate-invalid:chain-incomplete": {"sends_intermediate": False},
    "domain.certificate-invalid:chain-rejected": {"purpose": "client"},
    "domain.certificate-invalid:weak-key-or-signature": {"key": "RSA 1024"},
}


def served(fault: FaultsOf, of: Of[Web]) -> None:
    for name, different in SERVED.items():
        symptom, _, cause = name.partition(":")

        @fault(symptom, cause=cause)
        def serve(lab: Lab, different: dict[str, Any] = different) -> None:
            behaviour = of(lab).front.behaviour
            behaviour.chain = replace(behaviour.chain, **different)
