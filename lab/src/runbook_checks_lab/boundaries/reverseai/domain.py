"""Proof of a domain, number of failures, and age of its certificate and record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.boundaries.reverseai import boundary
from runbook_checks_lab.faults.reverseai import domain
from runbook_checks_lab.faults.reverseai.domain import NAME, TEXT
from runbook_checks_lab.reverseai.domains import VICTIM, add_events, remove_events

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

MINUTE_D, HOUR_D = 1 / 1440, 1 / 24
METHOD = "domains.method"


def _text_removed(lab: Lab) -> None:
    lab.dns.behaviour.records.pop((TEXT, "TXT"))


# Either record proves the domain, unless a particular one is required. Another domain of the lab has no TXT record
# either.
boundary("domain.txt-missing", "text-gone-alias-there")(_text_removed)
boundary("domain.txt-missing", "text-asked-for", "name-not-found", "name-not-found", settings={METHOD: "txt"})(
    _text_removed
)
boundary("domain.txt-missing", "text-not-asked-for", settings={METHOD: "cname"})(domain.no_text_at_all)


def _recorded(**values: Any) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        yield from domain.recorded(lab, **values)

    return body


@boundary("domain.txt-missing", "token-not-known", "unknown")
def _nothing_to_compare(lab: Lab) -> Iterator[None]:
    domain.moved_away(lab)
    yield from domain.recorded(lab, verification_token=None)


@boundary("domain.txt-missing", "token-not-known-nor-asked-for", settings={METHOD: "cname"})
def _nothing_needed(lab: Lab) -> Iterator[None]:
    domain.moved_away(lab)
    yield from domain.recorded(lab, verification_token=None)


boundary("domain.txt-missing", "token-not-known-but-alias")(_recorded(verification_token=None))


def _waits(status: str, **values: Any) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        yield from domain.stuck(lab, status, **values)

    return body


def _due(lab: Lab, minutes_ago: float) -> Iterator[None]:
    # in_days adds five minutes
    due = domain.in_days(-(minutes_ago + 5) * MINUTE_D)
    yield from domain.stuck(lab, "pending", verification_attempts=1, next_retry_at=due)


boundary("domain.verification-failed", "retry-due-12-min-ago")(lambda lab: _due(lab, 12))
boundary("domain.verification-failed", "retry-due-18-min-ago", "retry-overdue")(lambda lab: _due(lab, 18))
boundary("domain.verification-failed", "two-attempts")(_waits("pending", verification_attempts=2))
boundary("domain.verification-failed", "three-attempts", "attempts-exhausted")(
    _waits("pending", verification_attempts=3)
)
boundary("domain.verification-failed", "many-attempts-and-active")(_recorded(verification_attempts=9))
boundary("domain.verification-failed", "without-words", "domain-not-verified")(
    _waits("failed", last_verification_error="given up")
)
boundary("domain.verification-failed", "without-words-or-certificate", "cert-issue-failed")(
    _waits("failed", last_verification_error="given up", ssl_status="failed")
)


def _events(count: int) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        add_events(lab.reverseai.mariadb, VICTIM, "domain.verify.failed", domain.NOT_VERIFIED, count)
        yield
        remove_events(lab.reverseai.mariadb, "domain.verify.failed")

    return body


boundary("domain.failure-events", "twice")(_events(2))
boundary("domain.failure-events", "three-times", "repeated-verification-failure")(_events(3))


def _ends(days: float, lifetime_days: int = 90) -> Body:
    """The certificate that is served, and its record."""

    def body(lab: Lab) -> Iterator[None]:
        domain.serve(lab, days_left=days, lifetime_days=lifetime_days)
        yield from domain.recorded(lab, ssl_expires_at=domain.in_days(days))

    return body


boundary("domain.certificate-expiring", "22-days-left")(_ends(22))
boundary("domain.certificate-expiring", "20-days-left", "P2 renewal-due")(_ends(20))
boundary("domain.certificate-expiring", "8-days-left", "P2 renewal-due")(_ends(8))
boundary("domain.certificate-expiring", "6-days-left", "P1 renewal-failing")(_ends(6))


# A nine-day certificate is renewed in its last third, and late in its last ninth.
boundary("domain.certificate-expiring", "3.3-of-9-days-left")(_ends(3.3, 9))
boundary("domain.certificate-expiring", "2.5-of-9-days-left", "P2 renewal-due")(_ends(2.5, 9))
boundary("domain.certificate-expiring", "0.7-of-9-days-left", "P1 renewal-failing")(_ends(0.7, 9))


def _issued(lab: Lab, days: float) -> Iterator[None]:
    """The record's expiry is this many days after the served certificate's."""
    yield from domain.recorded(lab, ssl_expires_at=domain.in_days(60 + days))


# A record may differ by a few hours.
boundary("domain.certificate-drift", "2-h-later")(lambda lab: _issued(lab, 2 * HOUR_D))
boundary("domain.certificate-drift", "4-h-later", "renewed-not-deployed")(lambda lab: _issued(lab, 4 * HOUR_D))
boundary("domain.certificate-drift", "2-h-earlier")(lambda lab: _issued(lab, -2 * HOUR_D))
boundary("domain.certificate-drift", "4-h-earlier", "record-stale")(lambda lab: _issued(lab, -4 * HOUR_D))
boundary("domain.certificate-drift", "without-end", "record-stale")(_recorded(ssl_expires_at=None))


@boundary("domain.certificate-drift", "pending-and-expired")
def _pending_and_expired(lab: Lab) -> Iterator[None]:
    """The served certificate is invalid, so a record that waits for a new one is right."""
    domain.serve(lab, days_left=-2)
    yield from domain.recorded(lab, ssl_status="pending")


@boundary("domain.certificate-issue-failed", "too-many-orders", "rate-limited")
def _limited(lab: Lab) -> Iterator[None]:
    yield from domain.failed_issue(lab, "too many new orders recently", ssl_status="issued")


boundary("domain.certificate-issue-failed", "status-alone", "renewal-failed")(_recorded(ssl_status="failed"))


@boundary("domain.https-broken", "302-is-an-answer")
def _moved(lab: Lab) -> None:
    lab.reverseai.edge.behaviour.answers[NAME] = (302, "")


@boundary("domain.certificate-invalid", "expired-alone")
def _expired(lab: Lab) -> None:
    """An old certificate of a trusted issuer is reported as expired, and not also as untrusted."""
    domain.serve(lab, days_left=-2)


@boundary("domain.certificate-invalid", "expired-and-a-strangers")
def _expired_strangers(lab: Lab) -> None:
    """The missing issuer of an expired certificate does not matter."""
    domain.serve(lab, days_left=-2, issuer="stranger")


boundary("domain.certificate-drift", "nothing-served", "unknown")(domain.edge_down)


@boundary("domain.certificate-invalid", "self-signed-and-expired", "self-signed")
def _expired_self(lab: Lab) -> None:
    domain.serve(lab, days_left=-2, issuer="itself")
