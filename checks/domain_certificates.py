"""Are the certificates that are served inside their dates, trusted, and the ones that are recorded?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks import Found, symptom
from runbook_checks.handles.certificates import Certificates
from runbook_checks.handles.domains import Domains, require_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.handles.certificates import Served
    from runbook_checks.handles.domain import Domain
    from runbook_checks.probes.tls.server import Handshake

DAY_S = 86400
# Records are written when a certificate is ordered or received; neither is the second in which it begins.
SAME_S = 3 * 3600.0


def _judge(certificates: Certificates, findings: Any) -> None:
    """Every finding at once; with none, what could not be looked at is not taken for clear."""
    served, gone = certificates.served()
    Found.all([found for one in served for found in findings(one)])
    if gone is not None:
        raise gone


@symptom("domain.certificate-expired")
def check_certificate_is_inside_its_dates(certificates: Certificates) -> None:
    """Outside its dates every client refuses the certificate: the service is down for all of them."""
    _judge(certificates, _outside_its_dates)


def _outside_its_dates(served: Served) -> Iterator[Found]:
    if served.not_before <= served.now <= served.not_after:
        return
    expired = served.now > served.not_after
    moment = served.not_after if expired else served.not_before
    yield Found(
        "expired" if expired else "not-yet-valid",
        seen=f"the certificate {'ended' if expired else 'begins'} at {moment:%Y-%m-%d %H:%M} UTC",
        wanted="a certificate that is valid now",
        subject=served.subject,
        **_evidence(served),
    )


@symptom("domain.certificate-expiring")
def check_certificate_lasts(certificates: Certificates) -> None:
    """An expiry is known weeks before; whoever hears of it on the day heard too late."""
    _judge(certificates, _ending_soon)


def _ending_soon(served: Served) -> Iterator[Found]:
    left = (served.not_after - served.now).total_seconds() / DAY_S
    lifetime = (served.not_after - served.not_before).total_seconds() / DAY_S
    # Certificates of a few days are renewed at two thirds of their life, not weeks before the end.
    warn = min(served.warn_days, lifetime / 3)
    alarm = min(served.alarm_days, lifetime / 9)
    if left >= warn or left < 0:
        return
    is_late = left < alarm
    yield Found(
        "renewal-failing" if is_late else "renewal-due",
        seen=f"{left:.1f} days left of {lifetime:.0f}",
        wanted=f"{warn:g} days or more" if not is_late else f"renewed before {alarm:g} days were left",
        subject=served.subject,
        severity="P1" if is_late else "P2",
        **_evidence(served),
    )


@symptom("domain.certificate-invalid")
def check_certificate_is_trusted(certificates: Certificates) -> None:
    """A certificate for another name or from an unknown issuer is refused by every client that looks."""
    _judge(certificates, _not_trusted)


def _not_trusted(served: Served) -> Iterator[Found]:
    handshake = served.handshake
    if handshake is None:
        return
    evidence = _evidence(served)
    leaf = handshake.leaf

    def found(cause: str, seen: str, wanted: str) -> Found:
        return Found(cause, seen=seen, wanted=wanted, subject=served.subject, **evidence)

    if not handshake.name_matches:
        names = evidence["names"] or "no name"
        yield found("wrong-host", f"the certificate is for {names}", f"one for {handshake.server_name}")
    weak = next((c for c in handshake.chain if c.is_weak and not (c.is_self_signed and c is not leaf)), None)
    if weak is not None:
        yield found("weak-key-or-signature", weak.weakness or "weak", "RSA 2048, EC 224 or more, and SHA-2")
    elif not handshake.trusted and _is_about_trust(handshake):
        yield found(*_distrust(handshake))


def _is_about_trust(handshake: Handshake) -> bool:
    """Whether OpenSSL's refusal is about the chain; dates are certificate-expired's."""
    leaf = handshake.leaf
    in_dates = leaf.not_before <= handshake.time_of_look <= leaf.not_after
    return handshake.verify_code not in (9, 10) and (in_dates or leaf.is_self_signed)


def _distrust(handshake: Handshake) -> tuple[str, str, str]:
    leaf = handshake.leaf
    if leaf.is_self_signed:
        return "self-signed", "the certificate is signed by itself", "one signed by a trusted authority"
    if handshake.completed_by:
        how = "the bundle" if handshake.completed_by == "bundle" else "its issuer's address"
        seen = f"{len(handshake.chain)} certificate(s) served; the chain verifies once completed from {how}"
        return "chain-incomplete", seen, "every intermediate certificate served"
    return "untrusted-issuer", f"{leaf.issuer} is not trusted: {handshake.verify_error}", "a trusted issuer"


@symptom("domain.certificate-drift")
def check_record_and_served_certificate_agree(domains: Domains) -> None:
    """Whoever goes by the record renews too late, or looks for a renewal that never reached the servers."""
    Found.all([found for domain in domains.seen() for found in _drift(domain)])
    domains.require_all_seen()


def _drift(domain: Domain) -> Iterator[Found]:
    record, served = domain.record, domain.facts and domain.facts.served
    if not record.is_told or not served:
        return
    evidence = domain.evidence() | {
        "recorded_from": domain.moment(record.ssl_issued_at),
        "recorded_until": domain.moment(record.ssl_expires_at),
        "served_from": domain.moment(served.not_before),
        "served_until": domain.moment(served.not_after),
        "ssl_status": record.ssl_status,
        "issuer": served.issuer,
    }

    def found(cause: str, seen: str, wanted: str) -> Found:
        return Found(cause, seen=seen, wanted=wanted, subject=domain.name, **evidence)

    if record.ssl_status != "issued":
        if served.handshake is None:
            seen = f"ssl_status is {record.ssl_status}, and a valid certificate of {served.issuer} is served"
            yield found("status-wrong", seen, "ssl_status issued")
        return
    if record.ssl_expires_at is None:
        yield found("record-stale", "ssl_status is issued, without ssl_expires_at", "the served certificate's end")
        return
    apart_s = record.ssl_expires_at - served.not_after
    seen = f"recorded until {evidence['recorded_until']}, served until {evidence['served_until']}"
    if apart_s > SAME_S:
        yield found("renewed-not-deployed", seen, "the recorded certificate served")
    elif apart_s < -SAME_S:
        yield found("record-stale", seen, "the served certificate recorded")


@symptom("domain.certificate-issue-failed")
def check_certificates_get_issued(domains: Domains) -> None:
    """Without a certificate a domain is never reached; without its renewal it is lost on a known day."""
    records = require_records(domains.records())
    events = domains.events_or_none()
    Found.all([found for r in records for found in _issue_failed(domains.view(r), domains.issue_failures(r, events))])
    if events is None:
        domains.events()  # clear needs both: the records, and that no failure was noted


def _issue_failed(domain: Domain, failures: list[str]) -> Iterator[Found]:
    record = domain.record
    if record.ssl_status != "failed" and not failures:
        return
    reason = failures[0] if failures else record.last_verification_error or "no reason noted"
    yield Found(
        _issue_cause(reason, had_one=record.ssl_issued_at is not None),
        seen=f"ssl_status {record.ssl_status}; {len(failures)} failures noted lately, the newest: {reason}",
        wanted="a certificate issued or renewed at the first attempt",
        subject=domain.name,
        **domain.evidence(),
        reason=reason,
        failures=len(failures),
    )


def _issue_cause(reason: str, *, had_one: bool) -> str:
    """The authority's reason first: a renewal that meets a limit is mended as any other that does."""
    words = reason.lower().replace("_", "").replace("-", "").replace(" ", "")
    if "ratelimit" in words or "toomany" in words:
        return "rate-limited"
    return "renewal-failed" if had_one else "validation-failed"


def _evidence(served: Served) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "address": served.address,
        "server_name": served.server_name,
        "not_before": f"{served.not_before:%Y-%m-%d %H:%M} UTC",
        "not_after": f"{served.not_after:%Y-%m-%d %H:%M} UTC",
        "days_left": round((served.not_after - served.now).total_seconds() / DAY_S, 1),
        "issuer": served.issuer,
    }
    handshake = served.handshake
    if handshake is None:
        return evidence
    leaf = handshake.leaf
    return evidence | {
        # Not the subject a finding is about: evidence and subject are told apart.
        "names": ", ".join((*leaf.dns_names, *leaf.ip_addresses)),
        "weakness": next((c.weakness for c in handshake.chain if c.weakness), "none"),
        "chain": [f"{c.subject} <- {c.issuer}" for c in handshake.chain],
        "verify_error": handshake.verify_error or "none",
    }
