"""Rules of the Workers that a fault can change."""

from __future__ import annotations

from dataclasses import dataclass, field

from runbook_checks_lab.servers.answers import HttpBehaviour


@dataclass
class WorkersBehaviour(HttpBehaviour):
    signing_secret: str = ""
    requires_signature: bool = True
    checks_signature: bool = True
    checks_age: bool = True
    max_skew_s: float = 300.0
    command_delay_s: float = 0.0
    components: dict[str, str] = field(default_factory=lambda: {"database": "ok", "queue": "ok", "storage": "ok"})
