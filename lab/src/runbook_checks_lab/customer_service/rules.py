"""Rules of the service that a fault can change."""

from __future__ import annotations

from dataclasses import dataclass, field

from runbook_checks_lab.servers.answers import HttpBehaviour


@dataclass
class ServiceBehaviour(HttpBehaviour):
    secret: str = ""
    max_skew_s: float = 300.0
    max_ahead_s: float | None = None  # if it differs for timestamps in the future
    requires_signature: bool = True
    loses_signature: bool = False  # a proxy in front drops the header
    compares_digits: int | None = None  # only so many digits of a signature
    checks_age: bool = True
    checks_signature: bool = True
    drops_duplicates: bool = True
    writes_audit: bool = True
    audits_after_s: float = 0.0  # delay between the response and the audit row
    codes: dict[str, str] = field(
        default_factory=lambda: {
            "unsigned": "CS_AUTH_4031",
            "undated": "CS_AUTH_4032",
            "stale": "CS_AUTH_4033",
            "forged": "CS_AUTH_4034",
        }
    )
