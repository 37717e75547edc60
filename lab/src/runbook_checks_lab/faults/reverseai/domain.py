"""Broken customer domains: DNS, certificate, route, or record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.faults.reverseai import fault
from runbook_checks_lab.faults.shared.certificates import SERVED
from runbook_checks_lab.reverseai.domains import OTHER_PLACE, PREFIX, VICTIM, add_events, change_row, remove_events
from runbook_checks_lab.servers.relay import relaying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks_lab.lab import Lab

NAME, TEXT = VICTIM.ascii, f"{PREFIX}.{VICTIM.ascii}"
ELSEWHERE = "shops.other-provider.lab.test"
CDN = "127.0.0.81"
SLOW_S = 30.0
NOT_VERIFIED = "DOMAIN_NOT_VERIFIED: neither TXT nor CNAME found"
RATE_LIMITED = "rateLimited: too many certificates already issued for blumenwerk.test, retry after 2 days"
UNAUTHORIZED = "unauthorized: invalid response from /.well-known/acme-challenge: 404"


def moved_away(lab: Lab) -> None:
    """The customer has moved to another provider: an address record, and no CNAME to ReverseAI."""
    records = lab.dns.behaviour.records
    records.pop((NAME, "CNAME"))
    records[NAME, "A"] = [OTHER_PLACE]


# ------------------------------------------------------------------ domain.txt-missing: neither record proves it


@fault("domain.txt-missing", cause="name-not-found")
def no_text_at_all(lab: Lab) -> None:
    moved_away(lab)
    lab.dns.behaviour.records.pop((TEXT, "TXT"))


@fault("domain.txt-missing", cause="no-txt-record")
def another_record_at_the_place(lab: Lab) -> None:
    moved_away(lab)
    lab.dns.behaviour.records.pop((TEXT, "TXT"))
    lab.dns.behaviour.records[TEXT, "A"] = [OTHER_PLACE]


@fault("domain.txt-missing", cause="wrong-token")
def token_of_an_earlier_attempt(lab: Lab) -> None:
    moved_away(lab)
    lab.dns.behaviour.records[TEXT, "TXT"] = ["rv-of-last-year"]


@fault("domain.txt-missing", cause="not-propagated")
def resolver_has_neither_yet(lab: Lab) -> None:
    lab.dns.behaviour.cached |= {(TEXT, "TXT"): [], (NAME, "CNAME"): [], (NAME, "A"): [OTHER_PLACE]}


@fault("domain.txt-missing", cause="server-failure")
def name_servers_fail(lab: Lab) -> None:
    lab.dns.behaviour.rcodes |= {TEXT: "SERVFAIL", NAME: "SERVFAIL"}


@fault("domain.txt-missing", cause="timeout")
def name_servers_silent(lab: Lab) -> None:
    lab.dns.behaviour.delays_s |= {TEXT: SLOW_S, NAME: SLOW_S}


# ------------------------------------------------------------------ domain.cname-wrong: the TXT record still proves it


@fault("domain.cname-wrong", cause="missing")
def alias_deleted(lab: Lab) -> None:
    lab.dns.behaviour.records.pop((NAME, "CNAME"))


@fault("domain.cname-wrong", cause="conflicts-with-address-record")
def address_in_its_place(lab: Lab) -> None:
    moved_away(lab)


@fault("domain.cname-wrong", cause="behind-proxy")
def customer_uses_a_cdn(lab: Lab) -> Iterator[None]:
    moved_away(lab)
    lab.dns.behaviour.records[NAME, "A"] = [CDN]
    with relaying(CDN, lab.reverseai.edge.port):
        yield


@fault("domain.cname-wrong", cause="wrong-target")
def alias_of_another_provider(lab: Lab) -> None:
    lab.dns.behaviour.records |= {(NAME, "CNAME"): [ELSEWHERE], (ELSEWHERE, "A"): [OTHER_PLACE]}


@fault("domain.cname-wrong", cause="loop")
def alias_of_itself(lab: Lab) -> None:
    between = f"www.{NAME}"
    lab.dns.behaviour.records |= {(NAME, "CNAME"): [between], (between, "CNAME"): [NAME]}


@fault("domain.cname-wrong", cause="not-propagated")
def resolver_has_the_old_address(lab: Lab) -> None:
    lab.dns.behaviour.cached |= {(NAME, "CNAME"): [], (NAME, "A"): [OTHER_PLACE]}


@fault("domain.cname-wrong", cause="server-failure")
def name_fails(lab: Lab) -> None:
    lab.dns.behaviour.rcodes[NAME] = "SERVFAIL"


@fault("domain.cname-wrong", cause="timeout")
def name_silent(lab: Lab) -> None:
    lab.dns.behaviour.delays_s[NAME] = SLOW_S


# ------------------------------------------------------------------ domain.certificate-*


def serve(lab: Lab, **different: Any) -> None:
    chains = lab.reverseai.edge.behaviour.chains
    chains[NAME] = replace(chains[NAME], **different)


def _serving(name: str, different: dict[str, Any]) -> None:
    symptom, _, cause = name.partition(":")

    @fault(symptom, cause=cause)
    def served(lab: Lab) -> Iterator[None]:
        serve(lab, **different)
        # The record matches it, so that only the certificate itself is wrong.
        if "days_left" not in different:
            yield
            return
        yield from recorded(lab, ssl_expires_at=in_days(different["days_left"]))


def in_days(days: float) -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(days=days, minutes=5)


def recorded(lab: Lab, **values: Any) -> Iterator[None]:
    """Set the domain's record, and restore it afterwards."""
    before = change_row(lab.reverseai.mariadb, VICTIM, **values)
    yield
    change_row(lab.reverseai.mariadb, VICTIM, **before)


for _name, _different in SERVED.items():
    _serving(_name, _different)


@fault("domain.certificate-drift", cause="renewed-not-deployed")
def renewal_only_recorded(lab: Lab) -> Iterator[None]:
    yield from recorded(lab, ssl_issued_at=in_days(-1), ssl_expires_at=in_days(89))


@fault("domain.certificate-drift", cause="record-stale")
def renewed_without_record(lab: Lab) -> Iterator[None]:
    yield from recorded(lab, ssl_issued_at=in_days(-85), ssl_expires_at=in_days(5))


@fault("domain.certificate-drift", cause="status-wrong")
def status_left_behind(lab: Lab) -> Iterator[None]:
    yield from recorded(lab, ssl_status="pending")


def failed_issue(lab: Lab, reason: str, count: int = 1, **values: Any) -> Iterator[None]:
    add_events(lab.reverseai.mariadb, VICTIM, "cert.issue.failed", reason, count)
    yield from recorded(lab, **values)
    remove_events(lab.reverseai.mariadb, "cert.issue.failed")


@fault("domain.certificate-issue-failed", cause="rate-limited")
def limit_used_up(lab: Lab) -> Iterator[None]:
    yield from failed_issue(lab, RATE_LIMITED, ssl_status="failed", last_verification_error=RATE_LIMITED)


@fault("domain.certificate-issue-failed", cause="validation-failed")
def challenge_not_answered(lab: Lab) -> Iterator[None]:
    never: dict[str, Any] = {"ssl_issued_at": None, "ssl_expires_at": None}
    yield from failed_issue(lab, UNAUTHORIZED, ssl_status="failed", last_verification_error=UNAUTHORIZED, **never)


@fault("domain.certificate-issue-failed", cause="renewal-failed")
def renewal_refused(lab: Lab) -> Iterator[None]:
    yield from failed_issue(lab, UNAUTHORIZED, ssl_status="failed", last_verification_error=UNAUTHORIZED)


# ------------------------------------------------------------------ domain.https-broken


@fault("domain.https-broken", cause="connection-refused")
def edge_down(lab: Lab) -> None:
    lab.reverseai.edge.behaviour.door = "refused"


@fault("domain.https-broken", cause="handshake-failed")
def name_unknown_to_the_edge(lab: Lab) -> None:
    lab.reverseai.edge.behaviour.without_certificate.add(NAME)


@fault("domain.https-broken", cause="not-routed")
def no_application_behind_it(lab: Lab) -> None:
    answer = (404, {"code": "ROUTING_FAILED", "message": f"no application for {NAME}"})
    lab.reverseai.edge.behaviour.answers[NAME] = answer


@fault("domain.https-broken", cause="server-error")
def application_gone(lab: Lab) -> None:
    lab.reverseai.edge.behaviour.answers[NAME] = (502, "<h1>502 Bad Gateway</h1>")


# ------------------------------------------------------------------ the system's own record


def stuck(lab: Lab, status: str, **values: Any) -> Iterator[None]:
    yield from recorded(lab, status=status, verified_at=None, **values)


@fault("domain.verification-failed", cause="domain-not-verified")
def failed_without_proof(lab: Lab) -> Iterator[None]:
    yield from stuck(lab, "failed", verification_attempts=1, last_verification_error=NOT_VERIFIED)


@fault("domain.verification-failed", cause="cert-issue-failed")
def failed_without_certificate(lab: Lab) -> Iterator[None]:
    yield from stuck(lab, "failed", last_verification_error=f"CERT_ISSUE_FAILED: {UNAUTHORIZED}")


@fault("domain.verification-failed", cause="routing-failed")
def failed_without_route(lab: Lab) -> Iterator[None]:
    yield from stuck(lab, "failed", last_verification_error="ROUTING_FAILED: route could not be written")


@fault("domain.verification-failed", cause="attempts-exhausted")
def too_many_attempts(lab: Lab) -> Iterator[None]:
    ticket = "https://support.reverse.lab.test/tickets/4711"
    yield from stuck(lab, "pending", verification_attempts=5, last_verification_error=NOT_VERIFIED, support_url=ticket)


@fault("domain.verification-failed", cause="retry-overdue")
def never_retried(lab: Lab) -> Iterator[None]:
    yield from stuck(lab, "pending", verification_attempts=1, next_retry_at=in_days(-1))


@fault("domain.failure-events", cause="repeated-verification-failure")
def fails_again_and_again(lab: Lab) -> Iterator[None]:
    add_events(lab.reverseai.mariadb, VICTIM, "domain.verify.failed", NOT_VERIFIED, 5)
    yield
    remove_events(lab.reverseai.mariadb, "domain.verify.failed")


@fault("domain.failure-events", cause="repeated-issue-failure")
def issue_fails_again_and_again(lab: Lab) -> Iterator[None]:
    yield from failed_issue(lab, UNAUTHORIZED, 5, ssl_status="issued")
