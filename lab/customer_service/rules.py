"""By which rules does the service answer, and which of them can a fault change?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Canned:
    """An answer given in place of the real one; a text body is HTML, anything else JSON."""

    status: int
    body: Any


@dataclass
class ServiceBehaviour:
    secret: str = ""
    versions: tuple[str, ...] = ("1.1.0",)  # more than one: instances behind a balancer take turns
    clock_offset_s: float = 0.0
    sends_date: bool = True
    max_skew_s: float = 300.0
    requires_signature: bool = True
    checks_age: bool = True
    checks_signature: bool = True
    drops_duplicates: bool = True
    writes_audit: bool = True
    health_delay_s: float = 0.0
    codes: dict[str, str] = field(
        default_factory=lambda: {
            "unsigned": "CS_AUTH_4031",
            "undated": "CS_AUTH_4032",
            "stale": "CS_AUTH_4033",
            "forged": "CS_AUTH_4034",
        }
    )
    canned: dict[str, Canned] = field(default_factory=dict)  # "GET /path", with * for any part of a path
