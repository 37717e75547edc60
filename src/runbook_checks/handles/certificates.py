"""Which certificates does a system serve: at its own address, at every custom domain, or both?"""

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
    from runbook_checks.probes.tls.certificate import Certificate
    from runbook_checks.probes.tls.server import Handshake


@dataclass(frozen=True)
class Served:
    """One certificate that is served, for a check to judge. Without a handshake OpenSSL found nothing amiss with it."""

    subject: str
    """What a finding is about: a domain, or HOST:PORT."""
    address: str
    server_name: str
    not_before: datetime
    not_after: datetime
    issuer: str
    now: datetime
    warn_days: float
    alarm_days: float
    handshake: Handshake | None

    @property
    def leaf(self) -> Certificate | None:
        return self.handshake.leaf if self.handshake else None


class Certificates(Handle):
    """Every certificate of a system; nothing is looked at twice."""

    one_of = ("domains", "tls")
    libraries = ("cryptography.x509", "runbook_checks.probes.tls.handshake", "runbook_checks.probes.domains.sweep")

    @classmethod
    def used(cls, given: Collection[str]) -> list[str]:
        return [need for need in cls.one_of if need in given]

    def served(self) -> tuple[Iterable[Served], NoReading | None]:
        """All certificates, and what kept some from being seen. Skipped where there is no TLS to look at."""
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
            pytest.skip("; ".join(skipped) or "there is no certificate to look at")
        return chain.from_iterable(served), gone[0] if gone else None

    def _of_front(self) -> tuple[list[Served], None]:
        front = Front(self.context, self.chosen)
        address = front.address
        if address is not None and self.run.domains and address[0].lower() not in self.run.domains:
            pytest.skip(f"{address[0]} is not among the chosen domains")
        handshake = front.handshake()
        if handshake is None or address is None:
            pytest.skip("the service is plain HTTP: there is no certificate")
        where = f"{address[0]}:{address[1]}"
        if not handshake.chain:
            raise NoReading("tls", f"{where} showed no certificate", kind="no-certificate")
        leaf, settings = handshake.leaf, front.settings
        made = Served(
            where, where, handshake.server_name, leaf.not_before, leaf.not_after, leaf.issuer,
            handshake.time_of_look, settings.warn_days, settings.alarm_days, handshake,
        )  # fmt: skip
        return [made], None

    def _of_domains(self) -> tuple[Iterable[Served], NoReading | None]:
        domains = Domains(self.context, self.chosen)
        expected = domains.expected()
        now = datetime.fromtimestamp(domains.swept().time_of_look, UTC)
        # One after the other: ten thousand at once, for each check that looks at them, is memory for nothing.
        served = (made for domain in expected if (made := self._of_domain(domain, domains, now)) is not None)
        unseen = {d.name: d.facts.gone.reason for d in expected if d.facts and not d.facts.served and d.facts.gone}
        unseen |= {d.name: domains.swept().unseen.get(d.name, "not looked at") for d in expected if d.facts is None}
        return served, not_seen(unseen, len(expected)) if unseen else None

    def _of_domain(self, domain: Domain, domains: Domains, now: datetime) -> Served | None:
        seen: Any = domain.facts and domain.facts.served
        if not seen or domain.facts is None:
            return None
        handshake = seen.handshake
        return Served(
            subject=domain.name,
            address=seen.peer,
            server_name=domain.facts.domain,
            not_before=datetime.fromtimestamp(seen.not_before, UTC),
            not_after=datetime.fromtimestamp(seen.not_after, UTC),
            issuer=seen.issuer,
            now=now,
            warn_days=domains.settings.warn_days,
            alarm_days=domains.settings.alarm_days,
            handshake=handshake,
        )
