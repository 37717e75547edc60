"""Parameters of a sweep: what it queries, how many domains at once, and its timeouts."""

from __future__ import annotations

from dataclasses import dataclass, field

from runbook_checks.probes.net.far_ends import FarEnds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parameters that apply to all domains of a sweep."""

    resolver: str | None = None
    """The name server to query, "IP[:PORT]"; None takes the machine's first."""
    base_host: str = ""
    """The host that all domains point to, in ASCII and lower case."""
    text_prefix: str = "_reverseai"
    """The label before a domain at which its verification text is."""
    port: int = 443
    authoritative_port: int = 53
    """The port of the name servers that zones are delegated to."""
    ca_file: str | None = None
    intermediates_file: str | None = None
    path: str = "/"
    """The path of the request."""
    user_agent: str = "runbook-checks"
    run_id: str = ""
    timeout_s: float = 5.0
    """Timeout of each of the two stages of a domain, names and connection."""
    authority_s: float = 2.0
    """Timeout of a query to one authoritative server."""
    at_once: int = 256
    """Domains that are checked at once."""
    slow_at_once: int = 512
    """Slow domains that wait in addition to the others."""
    far_ends: FarEnds = field(default_factory=FarEnds)
    """The addresses that may be connected to, if domains and zones name them; those of the base host always may."""
    limit_s: float = 600.0
    """Timeout of the whole sweep."""

    def text_name(self, domain: str) -> str:
        return f"{self.text_prefix}.{domain}"
