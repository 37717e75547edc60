"""The certificates that a system serves: at its own address, at its custom domains, or both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.handles.base import Handle
from runbook_checks.handles.domains import Domains, not_seen
from runbook_checks.handles.service import Front
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runbook_checks.handles.domain import Domain
    from runbook_checks.probes.tls.certificate import Validity
    from runbook_checks.probes.tls.server import Handshake


@dataclass(frozen=True)
class Dated:
    """A certificate of a chain, and its dates."""

    name: str
    """As a sentence names it: "the certificate for cs.example.com"."""
    not_before: datetime
    not_after: datetime

    def is_valid(self, at: datetime) -> bool:
        return self.not_before <= at <= self.not_after


@dataclass(frozen=True)
class Served:
    """A served certificate. Without a handshake, OpenSSL verified it completely."""

    subject: str
    """What a finding is about: a domain, or HOST:PORT."""
    address: str
    server_name: str
    leaf: Dated
    first_to_end: Dated | None
    """The issuer in the verified path that ends first, if it ends before the certificate."""
    issuer: str
    now: datetime
    warn_days: float
    alarm_days: float
    handshake: Handshake | None

    @property
    def issuers(self) -> list[Dated]:
        """The issuers in the path, if there was a handshake to read them from."""
        path = self.handshake.path[1:] if self.handshake else ()
        return [dated(issuer.validity, self.server_name) for issuer in path]


def dated(issuer: Validity, server_name: str) -> Dated:
    kind = "root" if issuer.subject == issuer.issuer else "intermediate"
    name = f"the {kind} certificate {issuer.subject} in the chain of {server_name}"
    return Dated(name, *(datetime.fromtimestamp(at, UTC) for at in issuer[:2]))


class Certificates(Handle):
    """Every certificate of a system, each read once."""

    one_of = ("domains", "tls")
    libraries = ("cryptography.x509", "runbook_checks.probes.tls.handshake", "runbook_checks.probes.domains.sweep")

    @classmethod
    def used(cls, given: Collection[str]) -> list[str]:
        return [need for need in cls.one_of if need in given]

    def served(self) -> tuple[Iterable[Served], NoReading | None]:
        """Return all certificates, and why some could not be read. Skips if nothing is served over TLS."""
        served: list[Iterable[Served]] = []
        gone: list[NoReading] = []
        skipped: list[str] = []
        looks = {"tls": self._of_front, "domains": self._of_domains}
        for look in [looks[name] for name in self.used(self.chosen.given)]:
            try:
                found, unseen = look()
            except NoReading as error:
                gone.append(error)
            except pytest.skip.Exception as skip:
                skipped.append(str(skip))
            else:
                served.append(found)
                gone += [unseen] if unseen else []
        if not served and not gone:
            pytest.skip("; ".join(skipped) or "no certificate is configured to be checked")
        return chain.from_iterable(served), gone[0] if gone else None

    def _of_front(self) -> tuple[list[Served], None]:
        from runbook_checks.probes.tls.certificate import first_to_end

        front = Front(self.context, self.chosen)
        address = front.address
        if address is not None and self.run.domains and address[0].lower() not in self.run.domains:
            pytest.skip(f"{address[0]} is not among the chosen domains")
        handshake = front.handshake()
        if handshake is None or address is None:
            pytest.skip("the service is plain HTTP: there is no certificate")
        where = f"{address[0]}:{address[1]}"
        if not handshake.chain:
            raise NoReading("tls", f"{where} sent no certificate", kind="no-certificate")
        leaf, settings = handshake.leaf, front.settings
        first = first_to_end([issuer.validity for issuer in handshake.path[1:]], leaf.not_after.timestamp())
        name = handshake.server_name
        served = Served(
            where, where, name, Dated(f"the certificate for {name}", leaf.not_before, leaf.not_after),
            dated(first, name) if first else None, leaf.issuer,
            handshake.time_of_look, settings.warn_days, settings.alarm_days, handshake,
        )  # fmt: skip
        return [served], None

    def _of_domains(self) -> tuple[Iterable[Served], NoReading | None]:
        domains = Domains(self.context, self.chosen)
        expected = domains.expected()
        now = datetime.fromtimestamp(domains.swept().time_of_look, UTC)
        # A generator: ten thousand at once would only use memory.
        served = (one for domain in expected if (one := self._of_domain(domain, domains, now)) is not None)
        unseen = {d.name: d.facts.gone.reason for d in expected if d.facts and not d.facts.served and d.facts.gone}
        unseen |= {d.name: domains.swept().unseen.get(d.name, "not checked") for d in expected if d.facts is None}
        return served, not_seen(unseen, len(expected)) if unseen else None

    def _of_domain(self, domain: Domain, domains: Domains, now: datetime) -> Served | None:
        seen: Any = domain.facts and domain.facts.served
        if not seen or domain.facts is None:
            return None
        name = domain.facts.domain
        dates = (datetime.fromtimestamp(at, UTC) for at in (seen.not_before, seen.not_after))
        return Served(
            subject=domain.name,
            address=seen.peer,
            server_name=name,
            leaf=Dated(f"the certificate for {name}", *dates),
            first_to_end=dated(seen.first_to_end, name) if seen.first_to_end else None,
            issuer=seen.issuer,
            now=now,
            warn_days=domains.settings.warn_days,
            alarm_days=domains.settings.alarm_days,
            handshake=seen.handshake,
        )
