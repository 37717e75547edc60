"""One custom domain: the system's record of it, and the facts from a sweep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.tables import in_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config import capabilities
    from runbook_checks.handles.domain_list import Record
    from runbook_checks.probes.domains.facts import Facts
    from runbook_checks.probes.net.name_server import Answer

CALLS = {
    "verify": "verify",
    "issue": "cert/issue",
    "renew": "cert/renew",
    "activate": "activate",
    "rollback": "rollback",
}
WORDS = {
    "no-such-name": "does not exist (NXDOMAIN)",
    "no-such-record": "there is no such record",
    "timeout": "no answer in time",
    "there": "there",
}


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain: the system's record of it, and facts from the sweep, or None if the sweep did not reach it."""

    record: Record
    facts: Facts | None
    base_host: str
    base_addresses: tuple[str, ...]
    settings: capabilities.Domains
    api: str
    """The base address of the service's API."""
    is_pending: bool
    """Not verified yet, and too new for its records to have reached every resolver."""

    @property
    def name(self) -> str:
        return self.record.domain

    @property
    def has_text(self) -> bool:
        """The resolver returns the token as TXT record."""
        return self.facts is not None and self.record.verification_token in self.facts.txt.values

    @property
    def leads_home(self) -> bool:
        """The domain is an alias of the base host, directly or not, or has only addresses of the base host."""
        facts = self.facts
        if facts is None or facts.address.is_loop or not facts.addresses:
            return False
        return self._is_home(facts.address, facts.addresses)

    @property
    def authority_leads_home(self) -> bool:
        """The same according to the zone's own servers; the resolver's AAAA records stand in for a failed query."""
        authority = self.facts.authority if self.facts else None
        if self.facts is None or authority is None or authority.address is None:
            return False
        six = authority.address6
        if six is not None and six.said in ("server-failure", "timeout"):
            six = self.facts.address6
        return self._is_home(authority.address, authority.address.values + (six.values if six else ()))

    @property
    def is_behind_proxy(self) -> bool:
        """The domain points elsewhere, but is proved by TXT, and serves a valid certificate and a page."""
        facts, settings = self.facts, self.settings
        if facts is None or facts.served is None or facts.served.handshake or facts.routed is None:
            return False
        status, code = facts.routed.status, facts.routed.code
        is_routed = status not in settings.unrouted_statuses and code not in settings.unrouted_codes and status < 500
        return self.has_text and is_routed and not facts.address.beside and not self.foreign_is_stray

    @property
    def foreign_is_stray(self) -> bool:
        """Some of its addresses are the base host's: the others are left over, not those of a proxy."""
        return bool(self.facts and set(self.facts.addresses) & set(self.base_addresses))

    @property
    def foreign_addresses(self) -> tuple[str, ...]:
        found = (*self.facts.address.beside, *self.facts.addresses) if self.facts else ()
        return tuple(address for address in found if address not in self.base_addresses)

    def _is_home(self, answer: Answer, addresses: tuple[str, ...]) -> bool:
        aliases = answer.aliases
        if not set(answer.beside) <= set(self.base_addresses):
            return False
        if self.base_host in aliases:
            return True
        # Its own apex may be flattened: www is an alias of the apex, which has the base host's addresses.
        parent = self.facts.domain.partition(".")[2] if self.facts else ""
        is_own = not aliases or f".{aliases[-1]}".endswith(f".{parent}")
        return is_own and bool(addresses) and set(addresses) <= set(self.base_addresses)

    @property
    def authority(self) -> str:
        """The zone's name server that responded."""
        return self.facts.authority.asked if self.facts and self.facts.authority else "no name server"

    @property
    def method(self) -> str:
        return self.settings.method

    @property
    def text_name(self) -> str:
        return f"{self.settings.text_prefix}.{self.facts.domain if self.facts else self.name}"

    @property
    def most_attempts(self) -> int:
        return self.settings.most_attempts

    @property
    def most_events(self) -> int:
        return self.settings.most_events

    @property
    def events_h(self) -> float:
        return self.settings.events_h

    @staticmethod
    def moment(at: float | None) -> str:
        return "never" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"

    def evidence(self) -> dict[str, Any]:
        """Return the values that remedies use, and the state of each link."""
        record = self.record
        values = {
            "domain": self.name,
            "domain_id": record.id,
            "workspace_id": record.workspace_id,
            "token": record.verification_token,
            "base_host": self.base_host,
            "text_name": self.text_name,
        }
        return values | calls(record, self.api) | ({"links": links(self)} if self.facts else {})


def links(domain: Domain) -> list[str]:
    """Return one line for each link, in the order in which a request depends on them."""
    facts = domain.facts
    if facts is None:
        return []
    return [f"{name:<12}{text}" for name, text in _links(domain, facts)]


def _links(domain: Domain, facts: Facts) -> Iterator[tuple[str, str]]:
    authority = facts.authority
    if authority is not None:
        servers = f"{authority.zone}: {', '.join(authority.servers)}; {authority.asked or 'none'} responded"
        yield "delegation", authority.problem or servers
    yield "TXT", _text(domain, facts)
    yield "CNAME", _address(domain, facts)
    served, routed, gone = facts.served, facts.routed, facts.gone
    if served is None:
        yield "TLS", gone.reason if gone else "not checked"
    else:
        yield "TLS", f"{served.peer} completes the handshake"
        state = "trusted" if served.handshake is None else served.handshake.verify_error or "for another name"
        yield "certificate", f"{state}; {domain.moment(served.not_before)} to {domain.moment(served.not_after)}"
        answer = f"HTTP {routed.status}{f' {routed.code}' if routed.code else ''}" if routed else ""
        yield "routing", answer or (gone.reason if gone else "not checked")
    record = domain.record
    if record.is_told:
        until = domain.moment(record.ssl_expires_at)
        yield "record", f"status {record.status}, ssl_status {record.ssl_status}, certificate until {until}"


def _text(domain: Domain, facts: Facts) -> str:
    if domain.has_text:
        return f"{domain.text_name} carries the token"
    if facts.txt.said == "there":
        return f"{domain.text_name} carries {len(facts.txt.values)} text(s), none of them the token"
    return f"{domain.text_name}: {WORDS.get(facts.txt.said, facts.txt.words)}"


def _address(domain: Domain, facts: Facts) -> str:
    chain = " -> ".join((facts.domain, *facts.address.aliases, ", ".join(facts.addresses) or "nowhere"))
    if facts.address.is_loop:
        return f"CNAME loop: {chain}"
    if facts.address.said in ("server-failure", "timeout"):
        return f"{facts.domain}: {WORDS.get(facts.address.said, facts.address.words)}"
    return f"{chain} ({'the base host' if domain.leads_home else 'not the base host'})"


def calls(record: Record, api: str) -> dict[str, Any]:
    """Return the addresses of the calls that remedies name, and a body; they are printed and never called."""
    workspace, domain = (
        in_path(value) if value else word for value, word in ((record.workspace_id, "WORKSPACE"), (record.id, "ID"))
    )
    where = f"{api}/api/v1/workspaces/{workspace}/domains/{domain}"
    body = json.dumps({"type": "domain", "key": record.domain}, ensure_ascii=False)
    return {f"{name}_url": f"{where}/{step}" for name, step in CALLS.items()} | {
        "cache_url": f"{api}/api/v1/admin/cache/invalidate",
        "cache_body": body,
    }
