"""How is a sweep made: whom does it ask, what for, how many at once, how long?"""

from __future__ import annotations

from dataclasses import dataclass, field

from runbook_checks.probes.net.far_ends import FarEnds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What all domains of a sweep have in common."""

    resolver: str | None = None
    """The name server to ask, "IP[:PORT]"; None takes the machine's first."""
    base_host: str = ""
    """The host that all domains lead to, in ASCII and lower case."""
    text_prefix: str = "_reverseai"
    """The label before a domain at which its verification text stands."""
    port: int = 443
    authoritative_port: int = 53
    """Where the name servers listen that a zone is delegated to."""
    ca_file: str | None = None
    intermediates_file: str | None = None
    path: str = "/"
    """What is asked for, once a connection is made."""
    user_agent: str = "runbook-checks"
    run_id: str = ""
    timeout_s: float = 5.0
    """Each of the two stages of a domain, names and connection, ends within this time."""
    authority_s: float = 2.0
    """A question to one authoritative server ends within this time."""
    at_once: int = 256
    """Domains that are looked at at once."""
    slow_at_once: int = 512
    """Domains that have kept the sweep waiting, and wait beside the others from then on."""
    far_ends: FarEnds = field(default_factory=FarEnds)
    """Which addresses are dialled that domains and their zones name; those of the base host always are."""
    limit_s: float = 600.0
    """The whole ends within this time."""

    def text_name(self, domain: str) -> str:
        return f"{self.text_prefix}.{domain}"
