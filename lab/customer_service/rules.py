"""By which rules does the service answer, and which of them can a fault change?"""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.servers.answers import HttpBehaviour


@dataclass
class ServiceBehaviour(HttpBehaviour):
    secret: str = ""
    max_skew_s: float = 300.0
    requires_signature: bool = True
    checks_age: bool = True
    checks_signature: bool = True
    drops_duplicates: bool = True
    writes_audit: bool = True
    codes: dict[str, str] = field(
        default_factory=lambda: {
            "unsigned": "CS_AUTH_4031",
            "undated": "CS_AUTH_4032",
            "stale": "CS_AUTH_4033",
            "forged": "CS_AUTH_4034",
        }
    )
