"""Does OpenSSL trust what a domain serves; and where it doesn't, what is it that is served?"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import h11

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.domains.facts import Gone, Served, shared
from runbook_checks.probes.domains.greeting import Greeted, Lost, greet
from runbook_checks.probes.http.target import RUN_HEADER
from runbook_checks.probes.net.tls_context import context, lenient, load_links, openssl_words
from runbook_checks.probes.tls.server import ISSUER_MISSING, UNTRUSTED, Handshake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.probes.domains.facts import Facts
    from runbook_checks.probes.domains.plan import Plan
    from runbook_checks.probes.net.event_loop import Loop

RESOURCE = "domains"
NAME_DIFFERS = 62  # X509_V_ERR_HOSTNAME_MISMATCH
MAX_ADDRESSES = 3
MAX_ISSUERS = 64


@dataclass
class Refused(Exception):
    """OpenSSL's verdict on a chain that it does not accept."""

    code: int | None
    words: str


class Serving:
    """Greets domains with one TLS context for all: OpenSSL verifies chain, dates, key and name by itself.

    Only what it refuses is looked at again, without verification, and told in full.
    """

    def __init__(self, loop: Loop, plan: Plan) -> None:
        self.loop, self.plan = loop, plan
        self._strict = self._verifying()
        self._nameless = self._verifying()
        self._nameless.check_hostname = False
        self._lenient = lenient(RESOURCE, None)
        self._bundle: list[bytes] = []
        if plan.intermediates_file:
            from runbook_checks.probes.tls.aia import from_file

            self._bundle = from_file(plan.intermediates_file, RESOURCE)
        self._issuers: dict[tuple[str, ...], list[bytes]] = {}

    def _verifying(self) -> ssl.SSLContext:
        made = context(RESOURCE, self.plan.ca_file)
        # Weak keys and signatures are refused whatever the build's own level is.
        made.set_ciphers("DEFAULT:@SECLEVEL=2")
        return made

    async def look(self, facts: Facts, addresses: Sequence[str]) -> None:
        """Fill in what the domain's addresses serve: the first that answers counts, as for a client."""
        for address in addresses[:MAX_ADDRESSES]:
            task = self.loop.running
            assert task
            task.limit(time.monotonic() + self.plan.timeout_s)
            try:
                await self._look_at(facts, address)
            except Lost as lost:
                facts.gone = lost.gone
            if facts.served:
                return

    async def _look_at(self, facts: Facts, address: str) -> None:
        try:
            greeted = await self._greet(facts.domain, address, self._strict)
        except ssl.SSLCertVerificationError as error:
            await self._look_closer(facts, address, error)
        else:
            _note(facts, greeted, self._verified(greeted.leaf, address))

    def _verified(self, leaf: bytes, address: str) -> Served:
        from runbook_checks.probes.tls.certificate import validity

        try:
            begins, ends, issuer = validity(leaf)
        except ValueError:
            raise Lost("malformed-answer", "the certificate it shows can't be read") from None
        return Served(self._peer(address), begins, ends, shared(issuer))

    async def _greet(self, domain: str, address: str, using: ssl.SSLContext, *, with_chain: bool = False) -> Greeted:
        plan = self.plan
        headers = {"Host": domain, "User-Agent": plan.user_agent, RUN_HEADER: plan.run_id, "Accept": "*/*"}
        request = h11.Request(method="GET", target=plan.path, headers=[*headers.items(), ("Connection", "close")])
        return await greet(self.loop, address, plan.port, domain, using, request, with_chain=with_chain)

    def _peer(self, address: str) -> str:
        return shared(f"[{address}]:{self.plan.port}" if ":" in address else f"{address}:{self.plan.port}")

    async def _look_closer(self, facts: Facts, address: str, error: ssl.SSLCertVerificationError) -> None:
        """The whole chain, and the verdict on it apart from the name."""
        refused: Refused | None = Refused(error.verify_code, openssl_words(error))
        greeted = None
        if error.verify_code == NAME_DIFFERS:
            try:
                greeted = await self._greet(facts.domain, address, self._nameless, with_chain=True)
                refused = None
            except ssl.SSLCertVerificationError as other:
                refused = Refused(other.verify_code, openssl_words(other))
        if greeted is None:
            greeted = await self._greet(facts.domain, address, self._lenient, with_chain=True)
        completed_by = await self._completed_by(facts, address, greeted, refused)
        handshake = self._told(facts, address, greeted, refused, completed_by)
        leaf = handshake.leaf
        served = Served(handshake.peer, leaf.not_before.timestamp(), leaf.not_after.timestamp(), leaf.issuer, handshake)
        _note(facts, greeted, served)

    def _told(
        self,
        facts: Facts,
        address: str,
        greeted: Greeted,
        refused: Refused | None,
        completed_by: Literal["bundle", "aia"] | None,
    ) -> Handshake:
        from runbook_checks.probes.tls.certificate import covers, read

        try:
            chain = tuple(read(der) for der in greeted.chain)
        except ValueError:
            raise Lost("malformed-answer", "a certificate it shows can't be read") from None
        if not chain:
            raise Lost("tls-failed", "it shows no certificate")
        return Handshake(
            host=facts.domain,
            port=self.plan.port,
            server_name=facts.domain,
            peer=self._peer(address),
            protocol=greeted.protocol,
            chain=chain,
            trusted=refused is None,
            verify_error=refused.words if refused else None,
            verify_code=refused.code if refused else None,
            name_matches=covers(chain[0], facts.domain),
            completed_by=completed_by,
            time_of_look=datetime.now(UTC),
        )

    async def _completed_by(
        self, facts: Facts, address: str, greeted: Greeted, refused: Refused | None
    ) -> Literal["bundle", "aia"] | None:
        """What adds the issuer that the server forgot to send; see probes.tls.server."""
        if refused is None or refused.code not in ISSUER_MISSING or not greeted.chain:
            return None
        if self._bundle and await self._verifies_with(self._bundle, facts, address):
            return "bundle"
        fetched = await self._fetched(greeted.chain)
        if fetched and await self._verifies_with([*self._bundle, *fetched], facts, address):
            return "aia"
        return None

    async def _verifies_with(self, intermediates: list[bytes], facts: Facts, address: str) -> bool:
        completing = self._verifying()
        completing.check_hostname = False
        if not load_links(completing, intermediates):
            return False
        try:
            await self._greet(facts.domain, address, completing)
        except ssl.SSLCertVerificationError as error:
            return error.verify_code not in UNTRUSTED
        return True

    async def _fetched(self, chain: list[bytes]) -> list[bytes]:
        """The issuers that the chain names, fetched once for all domains that name the same."""
        from runbook_checks.probes.tls.aia import from_aia, top_of
        from runbook_checks.probes.tls.certificate import read

        try:
            urls = top_of([read(der) for der in chain]).issuer_urls
        except ValueError:
            return []
        if not urls or (urls not in self._issuers and len(self._issuers) >= MAX_ISSUERS):
            return []
        if urls not in self._issuers:
            self._issuers[urls] = []
            plan = self.plan
            found = await self.loop.in_thread(
                lambda: from_aia(chain, RESOURCE, plan.resolver, Deadline(plan.timeout_s), plan.far_ends)
            )
            self._issuers[urls] = found or []
        return self._issuers[urls]


def _note(facts: Facts, greeted: Greeted, served: Served) -> None:
    facts.served, facts.routed, facts.gone = served, greeted.routed, greeted.unrouted


def without_address(facts: Facts) -> Gone:
    """Why nothing can be connected to."""
    said = facts.address.said
    words = {
        "no-such-name": "the name does not exist (NXDOMAIN)",
        "no-such-record": "the name has no address",
        "server-failure": f"the name servers failed ({facts.address.words})",
        "timeout": "no name server answered in time",
    }
    text = "its aliases lead in a circle" if facts.address.is_loop else words.get(said, "the name has no address")
    return Gone("name-not-resolved", text)
