"""By which rules does the service answer, and which of them can a fault change?"""

from __future__ import annotations

from dataclasses import dataclass, field

from runbook_checks_lab.servers.answers import HttpBehaviour


@dataclass
class ServiceBehaviour(HttpBehaviour):
    secret: str = ""
    max_skew_s: float = 300.0
    max_ahead_s: float | None = None  # where it is another for what comes from the future
    requires_signature: bool = True
    checks_age: bool = True
    checks_signature: bool = True
    drops_duplicates: bool = True
    writes_audit: bool = True
    audits_after_s: float = 0.0  # audit rows are written so long after the answer
    codes: dict[str, str] = field(
        default_factory=lambda: {
            "unsigned": "CS_AUTH_4031",
            "undated": "CS_AUTH_4032",
            "stale": "CS_AUTH_4033",
            "forged": "CS_AUTH_4034",
        }
    )
