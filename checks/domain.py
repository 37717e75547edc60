"""Custom domains: verification records, target, HTTPS, and the system's own records of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runbook_checks import Found, symptom
from runbook_checks.handles.domain_events import ISSUE, VERIFY
from runbook_checks.handles.domains import Domains, not_seen, require_records
from runbook_checks.handles.sites import Sites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.handles.domain import Domain
    from runbook_checks.handles.domain_events import Event
    from runbook_checks.handles.sites import Site

CODES = {
    "DOMAIN_NOT_VERIFIED": "domain-not-verified",
    "CERT_ISSUE_FAILED": "cert-issue-failed",
    "ROUTING_FAILED": "routing-failed",
}
RETRY_GRACE_S = 900.0  # a queue may be late by this much


@symptom("domain.txt-missing")
def check_domains_are_proved(domains: Domains) -> None:
    """A domain without a verification record is not verified, or fails its next verification."""
    expected = domains.expected()
    Found.all([found for domain in expected for found in _unproved(domain)])
    untold = {
        d.name: "its token is unknown"
        for d in expected
        if d.facts and d.record.verification_token is None and d.method != "cname" and not d.leads_home
    }
    unseen = {**domains.unseen(), **untold}
    if unseen:
        raise not_seen(unseen, len(expected))


def _unproved(domain: Domain) -> Iterator[Found]:
    facts, token = domain.facts, domain.record.verification_token
    if facts is None or token is None or domain.has_text or domain.method == "cname":
        return
    if domain.method == "any" and domain.leads_home:
        return
    place, said = domain.text_name, facts.txt.said
    told = facts.authority.txt if facts.authority else None
    seen = {
        "no-such-name": f"{place} does not exist (NXDOMAIN)",
        "no-such-record": f"{place} has no TXT record",
        "server-failure": f"{place}: the name servers failed ({facts.txt.words})",
        "timeout": f"{place}: no answer in time",
        "there": f"{place} carries {_quoted(facts.txt.values)}",
    }[said]
    causes = {"no-such-name": "name-not-found", "no-such-record": "no-txt-record", "there": "wrong-token"}
    cause = causes.get(said, said)
    if said in causes and told is not None and token in told.values:
        cause, seen = "not-propagated", f"{seen}, but {domain.authority} has it"
    wanted = f"a TXT record with {token}"
    if domain.method == "any":
        wanted += f", or {domain.name} leading to {domain.base_host}"
    yield Found(cause, seen=seen, wanted=wanted, subject=domain.name, **domain.evidence())


@symptom("domain.cname-wrong")
def check_domains_lead_here(domains: Domains) -> None:
    """A domain that points elsewhere shows another page under the customer's name, or none."""
    expected = domains.expected()
    Found.all([found for domain in expected for found in _led_astray(domain)])
    if unseen := domains.unseen():
        raise not_seen(unseen, len(expected))


def _led_astray(domain: Domain) -> Iterator[Found]:
    facts = domain.facts
    if facts is None or domain.leads_home:
        return
    cause, seen = _where_to(domain)
    severity = None
    if cause not in ("loop", "server-failure", "timeout") and domain.authority_leads_home:
        cause, seen = "not-propagated", f"{seen}, but {domain.authority} points to {domain.base_host}"
    elif domain.is_behind_proxy:
        if domain.settings.allow_proxy:
            return
        cause, severity = "behind-proxy", "P2"
    wanted = f"a CNAME to {domain.base_host}, or at an apex its addresses ({', '.join(domain.base_addresses)})"
    addresses = ", ".join(domain.foreign_addresses) or "no address"
    evidence = domain.evidence() | {"addresses": addresses}
    yield Found(cause, seen=seen, wanted=wanted, subject=domain.name, severity=severity, **evidence)


def _where_to(domain: Domain) -> tuple[str, str]:
    facts = domain.facts
    assert facts
    address, name = facts.address, domain.name
    chain = " -> ".join((name, *address.aliases))
    if address.is_loop:
        return "loop", f"CNAME loop: {chain}"
    if address.said == "server-failure":
        return "server-failure", f"{name}: the name servers failed ({address.words})"
    if address.said == "timeout":
        return "timeout", f"{name}: no answer in time"
    foreign = ", ".join(domain.foreign_addresses)
    if address.beside:
        return "conflicts-with-address-record", f"it has address records beside its CNAME: {foreign} ({chain})"
    if domain.base_host in address.aliases:
        return "missing", f"it points to {domain.base_host}, which has no address: {chain}"
    if address.aliases:
        return "wrong-target", f"it points to {address.aliases[-1]}: {chain}"
    if facts.addresses:
        return "conflicts-with-address-record", f"it has its own address records: {foreign}"
    why = "does not exist (NXDOMAIN)" if address.said == "no-such-name" else "has neither CNAME nor address"
    return "missing", f"{name} {why}"


@symptom("domain.https-broken")
def check_https_reaches_the_application(sites: Sites) -> None:
    """Visitors get no connection, no handshake, or an error page of the proxy."""
    seen, gone = sites.seen()
    Found.all([found for site in seen for found in _broken(site)])
    if gone is not None:
        raise gone


def _broken(site: Site) -> Iterator[Found]:
    def found(cause: str, seen: str, wanted: str) -> Found:
        return Found(cause, seen=seen, wanted=wanted, subject=site.subject, **site.evidence)

    where = f"{site.name} ({site.address})" if site.address != site.name else site.name
    if site.unconnected:
        yield found("connection-refused", f"{where}: {site.unconnected}", "a connection")
    elif site.unshaken:
        yield found("handshake-failed", f"{where}: {site.unshaken}", "a TLS handshake")
    elif site.status is None:
        yield found("server-error", f"GET {site.path}: {site.unanswered}", "a response of the application")
    elif site.status in site.unrouted_statuses or site.code in site.unrouted_codes:
        code = f" {site.code}" if site.code else ""
        yield found("not-routed", f"GET {site.path} got HTTP {site.status}{code}", "the application's own response")
    elif site.status >= 500:
        yield found("server-error", f"GET {site.path} got HTTP {site.status}", "no 5xx")


@symptom("domain.verification-failed")
def check_verification_succeeds(domains: Domains) -> None:
    """A customer's application does not open under its domain until the domain is verified."""
    records = require_records(domains.records())
    Found.all([found for record in records for found in _unverified(domains.view(record), domains.run.started)])


def _unverified(domain: Domain, now: float) -> Iterator[Found]:
    record = domain.record
    attempts, error = record.verification_attempts or 0, record.last_verification_error
    is_settled = record.status in ("verified", "active")
    code = next((cause for word, cause in CODES.items() if error and word in error), None)
    if record.status == "failed":
        cause = code or ("cert-issue-failed" if record.ssl_status == "failed" else "domain-not-verified")
    elif not is_settled and attempts >= domain.most_attempts:
        cause = "attempts-exhausted"
    elif not is_settled and record.next_retry_at is not None and record.next_retry_at < now - RETRY_GRACE_S:
        cause = "retry-overdue"
    else:
        return
    seen = f"status {record.status} after {attempts} attempts"
    seen += f", next retry due {domain.moment(record.next_retry_at)}" if record.next_retry_at else ""
    seen += f"; {error}" if error else ""
    escalation = f"support ticket {record.support_url}" if record.support_url else "no ticket is open yet"
    wanted = f"verified within {domain.most_attempts - 1} attempts, retries on time"
    evidence = domain.evidence() | {
        "escalation": escalation,
        "attempts": attempts,
        "error": error or "no error recorded",
    }
    yield Found(cause, seen=seen, wanted=wanted, subject=domain.name, **evidence)


@symptom("domain.failure-events")
def check_failures_do_not_repeat(domains: Domains) -> None:
    """Retries of a repeated failure do not succeed; an engineer has to find the reason before the customer notices."""
    records = domains.records()
    events = domains.events()
    Found.all([found for record in records for found in _repeated(domains.view(record), events.get(record.domain, []))])


CAUSES = {VERIFY: "repeated-verification-failure", ISSUE: "repeated-issue-failure"}


def _repeated(domain: Domain, events: list[Event]) -> Iterator[Found]:
    for kind, cause in CAUSES.items():
        failures = [event for event in events if event.kind == kind]
        if len(failures) < domain.most_events:
            continue
        newest = failures[0]
        reasons = Counter(event.reason for event in failures)
        evidence = domain.evidence() | {
            "count": len(failures),
            "kind": kind,
            "newest": domain.moment(newest.at),
            "newest_reason": newest.reason,
            "reasons": [f"{count} x {reason}" for reason, count in reasons.most_common(5)],
        }
        seen = f"{len(failures)} x {kind} in {domain.events_h:g} h, the newest {evidence['newest']}: {newest.reason}"
        yield Found(cause, seen=seen, wanted=f"fewer than {domain.most_events}", subject=domain.name, **evidence)


def _quoted(values: tuple[str, ...]) -> str:
    shown = [repr(value if len(value) <= 60 else value[:59] + "…") for value in values[:4]]
    return ", ".join(shown) + (f" and {len(values) - 4} more" if len(values) > 4 else "")
