"""Link by link, where does a domain's chain break: delegation, TXT, CNAME, TLS, certificate, routing, record?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.handles.domains import Domain
    from runbook_checks.probes.domains.sweep import Facts

WORDS = {
    "no-such-name": "does not exist (NXDOMAIN)",
    "no-such-record": "there is no such record",
    "timeout": "no answer in time",
    "there": "there",
}


def links(domain: Domain) -> list[str]:
    """One line each, in the order in which a visitor and the system depend on them: what was seen there."""
    facts = domain.facts
    if facts is None:
        return []
    return [f"{name:<12}{text}" for name, text in _told(domain, facts)]


def _told(domain: Domain, facts: Facts) -> Iterator[tuple[str, str]]:
    authority = facts.authority
    if authority is not None:
        servers = f"{authority.zone}: {', '.join(authority.servers)}; {authority.asked or 'nobody'} answered"
        yield "delegation", authority.problem or servers
    yield "TXT", _text(domain, facts)
    yield "CNAME", _address(domain, facts)
    served, routed, gone = facts.served, facts.routed, facts.gone
    if served is None:
        yield "TLS", gone.reason if gone else "not looked at"
    else:
        yield "TLS", f"{served.peer} shakes hands"
        state = "trusted" if served.handshake is None else served.handshake.verify_error or "for another name"
        yield "certificate", f"{state}; {domain.moment(served.not_before)} to {domain.moment(served.not_after)}"
        answer = f"HTTP {routed.status}{f' {routed.code}' if routed.code else ''}" if routed else ""
        yield "routing", answer or (gone.reason if gone else "not looked at")
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
        return f"a circle: {chain}"
    if facts.address.said in ("server-failure", "timeout"):
        return f"{facts.domain}: {WORDS.get(facts.address.said, facts.address.words)}"
    return f"{chain} ({'the base host' if domain.leads_home else 'not the base host'})"
