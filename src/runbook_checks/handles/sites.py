"""How far a request gets over HTTPS, at the system's own address or at each custom domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.handles.base import Handle
from runbook_checks.handles.domains import Domains, not_seen
from runbook_checks.handles.service import Front
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runbook_checks.handles.domain import Domain
    from runbook_checks.probes.tls.server import Handshake

RATE_LIMIT = 429
UNCONNECTED = ("connection-refused", "connect-timeout", "not-connected")
UNSHAKEN = ("tls-failed", "connection-reset", "read-timeout", "malformed-answer")
UNANSWERED = ("connection-reset", "read-timeout", "malformed-answer")


@dataclass(frozen=True, kw_only=True)
class Site:
    """How far a request gets: the first of unconnected, unshaken and unanswered that is set says where it ended."""

    subject: str | None
    name: str
    address: str
    path: str = "/"
    unconnected: str = ""
    unshaken: str = ""
    unanswered: str = ""
    status: int | None = None
    code: str | None = None
    unrouted_statuses: Collection[int] = (404, 421)
    unrouted_codes: Collection[str] = ()
    evidence: dict[str, Any] = field(default_factory=dict)


class Sites(Handle):
    """The custom domains, if they are configured, or else the system's own address."""

    one_of = ("domains", "tls")
    libraries = (
        "runbook_checks.probes.tls.handshake",
        "runbook_checks.probes.domains.sweep",
        "runbook_checks.probes.http.transport",
    )

    def seen(self) -> tuple[Iterable[Site], NoReading | None]:
        """Return how far a request gets at each, and why some could not be checked."""
        if "domains" in self.chosen.given:
            return self._domains()
        return [self._front()], None

    def _domains(self) -> tuple[Iterable[Site], NoReading | None]:
        domains = Domains(self.context, self.chosen)
        expected = domains.expected()
        unseen = domains.unseen()
        for domain in expected:
            gone = domain.facts.gone if domain.facts else None
            if gone and gone.kind in ("name-not-resolved", "address-refused"):
                unseen[domain.name] = gone.reason
            if domain.facts and domain.facts.routed and domain.facts.routed.status == RATE_LIMIT:
                unseen[domain.name] = "rate limited (HTTP 429)"
        # A generator: ten thousand at once would only use memory.
        sites = (self._of_domain(d, domains) for d in expected if d.facts and d.name not in unseen)
        return sites, not_seen(unseen, len(expected)) if unseen else None

    def _of_domain(self, domain: Domain, domains: Domains) -> Site:
        facts, settings = domain.facts, domains.settings
        assert facts
        gone, told = facts.gone, {}
        if gone:
            stage = "unanswered" if facts.served else "unconnected" if gone.kind in UNCONNECTED else "unshaken"
            told = {stage: gone.reason}
        where = facts.served.peer if facts.served else f"{facts.addresses[0]}:{domains.plan().port}"
        return Site(
            subject=domain.name,
            name=domain.name,
            address=where,
            path=settings.path,
            **told,
            status=facts.routed.status if facts.routed else None,
            code=facts.routed.code if facts.routed else None,
            unrouted_statuses=settings.unrouted_statuses,
            unrouted_codes=settings.unrouted_codes,
            evidence=domain.evidence() | {"address": where, "server_name": facts.domain},
        )

    def _front(self) -> Site:
        front = Front(self.context, self.chosen)
        place = front.address
        if place is None:
            pytest.skip("the service is plain HTTP")
        where = f"{place[0]}:{place[1]}"
        evidence: dict[str, Any] = {"address": where, "server_name": place[0]}
        told: dict[str, Any] = {}
        try:
            handshake = front.handshake()
            if handshake and not (handshake.trusted and handshake.name_matches):
                raise _unverified(where, handshake)
            told = {"status": self._status()}
        except NoReading as gone:
            stage = _stage(gone)
            if stage is None:
                raise
            told = {stage: gone.reason}
        return Site(subject=None, name=where, address=where, evidence=evidence, **told)

    def _status(self) -> int:
        """Return the status of the front page or, without one, of the health document: it may be an API only."""
        http = self.chosen.settings.http
        status = self.bound.http.get("/").status
        return self.bound.http.get(http.health.path).status if status == 404 and http else status


def _unverified(where: str, handshake: Handshake) -> NoReading:
    if not handshake.trusted and handshake.verify_code is None:
        return NoReading("tls", f"{where}: the TLS handshake fails: {handshake.verify_error}", kind="tls-failed")
    return NoReading("tls", f"{where}: no request is sent, because its certificate is not valid", kind="untrusted")


def _stage(gone: NoReading) -> str | None:
    """Return where a reading ended; None if it never began, or if the certificate is the reason."""
    if gone.kind in UNCONNECTED:
        return "unconnected"
    if gone.resource == "tls" and gone.kind in UNSHAKEN:
        return "unshaken"
    return "unanswered" if gone.resource == "http" and gone.kind in UNANSWERED else None
