"""What was asked of a service, and what did its exchanges take together?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.http.response import Timings

if TYPE_CHECKING:
    from runbook_checks.probes.http.exchange import Exchange


@dataclass
class Asked:
    """One request that may take several exchanges (redirects, a second attempt), and what they took."""

    method: str
    deadline: Deadline
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    fresh: bool = False
    is_login: bool = False
    attempts: int = 1
    begun: float = field(default_factory=time.monotonic)
    redirects: tuple[str, ...] = ()
    exchanges: list[Exchange] = field(default_factory=list)

    def again(self) -> Asked:
        return Asked(
            self.method, self.deadline, self.headers, self.body, self.fresh, self.is_login, attempts=self.attempts + 1
        )

    def timings(self) -> Timings:
        def together(name: str) -> float | None:
            taken = [getattr(e, name) for e in self.exchanges if getattr(e, name) is not None]
            return round(sum(taken), 3) if taken else None

        waited = sum(max(0.0, e.first_byte - e.sent) for e in self.exchanges)
        total = time.monotonic() - self.begun
        return Timings(
            together("dns_ms"),
            together("connect_ms"),
            together("tls_ms"),
            round(waited * 1000, 3),
            round(total * 1000, 3),
        )
