"""Verify the certificates that domains serve with OpenSSL, and read those that it refuses."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.domains.facts import Gone, Served, shared
from runbook_checks.probes.domains.greeting import Greeted, Lost, greet
from runbook_checks.probes.http.target import RUN_HEADER
from runbook_checks.probes.net.tls_context import context, lenient, load_links, openssl_words
from runbook_checks.probes.tls.certificate import Validity, covers, first_to_end, path_from, read, validity
from runbook_checks.probes.tls.server import ISSUER_MISSING, UNTRUSTED, Handshake, verified_path

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
    """OpenSSL's reason for refusing a chain."""

    code: int | None
    words: str


class Serving:
    """Connects to domains with one TLS context for all: OpenSSL verifies chain, dates, key and name.

    Only a chain that OpenSSL refuses is read again, without verification, and reported in full.
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
        self._issuers_read: dict[bytes, Validity] = {}

    def _verifying(self) -> ssl.SSLContext:
        made = context(RESOURCE, self.plan.ca_file)
        # Weak keys and signatures are refused whatever the build's own level is.
        made.set_ciphers("DEFAULT:@SECLEVEL=2")
        return made

    async def look(self, facts: Facts, addresses: Sequence[str]) -> None:
        """Fill in what the domain's addresses serve: the first that responds counts, as for a client."""
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
            _note(facts, greeted, self._verified(greeted, address))

    def _verified(self, greeted: Greeted, address: str) -> Served:
        try:
            leaf = validity(greeted.leaf)
        except ValueError:
            raise Lost("malformed-answer", "it sends a certificate that cannot be parsed") from None
        first = first_to_end(self._issuers_in(greeted.verified), leaf.not_after)
        return Served(self._peer(address), leaf.not_before, leaf.not_after, shared(leaf.issuer), first_to_end=first)

    def _issuers_in(self, path: list[bytes]) -> list[Validity]:
        """Return the dates of the issuers, each parsed once for all domains. One that cannot be parsed is left out."""
        for der in path[1:]:
            if der not in self._issuers_read:
                with suppress(ValueError):
                    self._issuers_read[der] = validity(der)
        return [self._issuers_read[der] for der in path[1:] if der in self._issuers_read]

    async def _greet(self, domain: str, address: str, using: ssl.SSLContext, *, with_chain: bool = False) -> Greeted:
        plan = self.plan
        wire = (
            f"GET {plan.path} HTTP/1.1\r\nHost: {domain}\r\nUser-Agent: {plan.user_agent}\r\n"
            f"{RUN_HEADER}: {plan.run_id}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        ).encode("latin-1")
        return await greet(self.loop, address, plan.port, domain, using, wire, with_chain=with_chain)

    def _peer(self, address: str) -> str:
        return shared(f"[{address}]:{self.plan.port}" if ":" in address else f"{address}:{self.plan.port}")

    async def _look_closer(self, facts: Facts, address: str, error: ssl.SSLCertVerificationError) -> None:
        """Read the whole chain, and OpenSSL's verdict on it apart from the name."""
        refused: Refused | None = Refused(error.verify_code, openssl_words(error))
        greeted, is_for_another = None, error.verify_code == NAME_DIFFERS
        if is_for_another:
            try:
                greeted = await self._greet(facts.domain, address, self._nameless, with_chain=True)
                refused = None
            except ssl.SSLCertVerificationError as other:
                refused = Refused(other.verify_code, openssl_words(other))
        if greeted is None:
            greeted = await self._greet(facts.domain, address, self._lenient, with_chain=True)
        completed_by = await self._completed_by(facts, address, greeted, refused)
        handshake = self._handshake(facts, address, greeted, refused, completed_by)
        if is_for_another:
            handshake = replace(handshake, name_matches=False)
        leaf, *issuers = [certificate.validity for certificate in handshake.path]
        first = first_to_end(issuers, leaf.not_after)
        served = Served(handshake.peer, leaf.not_before, leaf.not_after, leaf.issuer, handshake, first)
        _note(facts, greeted, served)

    def _handshake(
        self,
        facts: Facts,
        address: str,
        greeted: Greeted,
        refused: Refused | None,
        completed_by: Literal["bundle", "aia"] | None,
    ) -> Handshake:
        now = datetime.now(UTC)
        try:
            chain = tuple(read(der) for der in greeted.chain)
        except ValueError:
            raise Lost("malformed-answer", "it sends a certificate that cannot be parsed") from None
        if not chain:
            raise Lost("tls-failed", "it sends no certificate")
        return Handshake(
            host=facts.domain,
            port=self.plan.port,
            server_name=facts.domain,
            peer=self._peer(address),
            protocol=greeted.protocol,
            chain=chain,
            path=verified_path(greeted.verified) or path_from(chain, now),
            trusted=refused is None,
            verify_error=refused.words if refused else None,
            verify_code=refused.code if refused else None,
            name_matches=covers(chain[0], facts.domain),
            completed_by=completed_by,
            time_of_look=now,
        )

    async def _completed_by(
        self, facts: Facts, address: str, greeted: Greeted, refused: Refused | None
    ) -> Literal["bundle", "aia"] | None:
        """Find the issuer that the server does not send; see probes.tls.server."""
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
        """Fetch the issuers that the chain names, once for all domains that name the same."""
        from runbook_checks.probes.tls.aia import from_aia

        try:
            urls = path_from([read(der) for der in chain], datetime.now(UTC))[-1].issuer_urls
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
    """Return why there is no address to connect to."""
    said = facts.address.said
    words = {
        "no-such-name": "the name does not exist (NXDOMAIN)",
        "no-such-record": "the name has no address",
        "server-failure": f"the name servers failed ({facts.address.words})",
        "timeout": "no name server responded in time",
    }
    text = "CNAME loop" if facts.address.is_loop else words.get(said, "the name has no address")
    return Gone("name-not-resolved", text)
