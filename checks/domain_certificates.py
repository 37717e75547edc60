"""Served certificates: their dates, whether clients trust them, and whether they match the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.certificates import Certificates
from runbook_checks.handles.domains import Domains, require_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from runbook_checks.handles.certificates import Dated, Served
    from runbook_checks.handles.domain import Domain
    from runbook_checks.probes.tls.server import Handshake

DAY_S = 86400
DATES = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, ..._HAS_EXPIRED
TOO_WEAK = (66, 67, 68)  # X509_V_ERR_EE_KEY_TOO_SMALL, ..._CA_KEY_TOO_SMALL, ..._CA_MD_TOO_WEAK
# An issuer is missing or unknown (2, 20, 21), has another key (7), is self-signed (18, 19) or not trusted (27, 28).
UNTRUSTED = (2, 7, 18, 19, 20, 21, 27, 28)
# Records are written when a certificate is ordered or received, not in the second in which its validity begins.
SAME_S = 3 * 3600.0


def _judge(certificates: Certificates, findings: Callable[[Served], Iterable[Found]]) -> None:
    """Raise all findings at once; without one, whatever could not be read makes the check unknown."""
    served, gone = certificates.served()
    found: list[Found] = []
    for one in served:
        try:
            found += findings(one)
        except NoReading as error:
            gone = gone or error
    Found.all(found)
    if gone is not None:
        raise gone


@symptom("domain.certificate-expired")
def check_certificate_is_inside_its_dates(certificates: Certificates) -> None:
    """Every client refuses a chain with an expired certificate: the service is down for all of them."""
    _judge(certificates, _outside_its_dates)


def _outside_its_dates(served: Served) -> Iterator[Found]:
    invalid = served.leaf if not served.leaf.is_valid(served.now) else _invalid_issuer(served)
    if invalid is None:
        return
    expired = served.now > invalid.not_after
    moment = invalid.not_after if expired else invalid.not_before
    yield Found(
        "expired" if expired else "not-yet-valid",
        seen=f"{invalid.name} {'expired on' if expired else 'is not valid before'} {_moment(moment)}",
        wanted="a chain whose certificates are valid now",
        subject=served.subject,
        **_evidence(served, invalid),
    )


def _invalid_issuer(served: Served) -> Dated | None:
    """Return the issuer whose dates make OpenSSL refuse the chain.

    An expired certificate beside a valid path (an old cross-signed root) is no problem: OpenSSL verifies the chain.
    """
    handshake = served.handshake
    if handshake is None or handshake.verify_code not in DATES:
        return None
    invalid = next((issuer for issuer in served.issuers if not issuer.is_valid(served.now)), None)
    if invalid is None:
        what = f"the chain of {served.server_name} is refused ({handshake.verify_error}), but every certificate that"
        raise NoReading(
            "tls", f"{what} is sent is valid now; check the dates of its root in ca_file", kind="root-not-valid",
            evidence={"subjects": [served.subject]},
        )  # fmt: skip
    return invalid


@symptom("domain.certificate-expiring")
def check_certificate_lasts(certificates: Certificates) -> None:
    """An expiry is known weeks before, so renewal should not wait until the last day."""
    _judge(certificates, _ending_soon)


def _ending_soon(served: Served) -> Iterator[Found]:
    ending = served.first_to_end or served.leaf
    left = (ending.not_after - served.now).total_seconds() / DAY_S
    lifetime = (ending.not_after - ending.not_before).total_seconds() / DAY_S
    # Certificates with a lifetime of a few days are renewed after two thirds of it, not weeks before the end.
    warn = min(served.warn_days, lifetime / 3)
    alarm = min(served.alarm_days, lifetime / 9)
    if left >= warn or left < 0:
        return
    is_late = left < alarm
    yield Found(
        "renewal-failing" if is_late else "renewal-due",
        seen=f"{ending.name}: {left:.1f} days left of {lifetime:.0f}",
        wanted=f"{warn:g} days or more" if not is_late else f"renewed before {alarm:g} days were left",
        subject=served.subject,
        severity="P1" if is_late else "P2",
        **_evidence(served, ending),
    )


@symptom("domain.certificate-invalid")
def check_certificate_is_trusted(certificates: Certificates) -> None:
    """Clients refuse a certificate for another name, from an unknown issuer, or not made for servers."""
    _judge(certificates, _not_trusted)


def _not_trusted(served: Served) -> Iterator[Found]:
    handshake = served.handshake
    if handshake is None:
        return
    evidence = _evidence(served)

    def found(cause: str, seen: str, wanted: str) -> Found:
        return Found(cause, seen=seen, wanted=wanted, subject=served.subject, **evidence)

    if not handshake.name_matches:
        names = evidence["names"] or "no name"
        yield found("wrong-host", f"the certificate is for {names}", f"one for {handshake.server_name}")
    if evidence["weakness"] != "none":
        yield found("weak-key-or-signature", evidence["weakness"], "RSA 2048, EC 224 or more, and SHA-2")
    elif not handshake.trusted and _is_about_trust(handshake):
        yield found(*_distrust(handshake))


def _weakness(handshake: Handshake) -> str:
    """Return what is weak in the path that clients use. An unused cross-signed certificate does not count."""
    leaf, *issuers = handshake.path
    weak = next((c.weakness for c in (leaf, *(c for c in issuers if not c.is_self_signed)) if c.weakness), None)
    refused = handshake.verify_error if handshake.verify_code in TOO_WEAK else None
    return weak or refused or "none"


def _is_about_trust(handshake: Handshake) -> bool:
    """Return whether OpenSSL refuses the chain itself; domain.certificate-expired judges its dates."""
    leaf = handshake.leaf
    in_dates = leaf.not_before <= handshake.time_of_look <= leaf.not_after
    return handshake.verify_code not in DATES and (in_dates or leaf.is_self_signed)


def _distrust(handshake: Handshake) -> tuple[str, str, str]:
    leaf, code = handshake.leaf, handshake.verify_code
    if code is None:
        what = f"the chain is not verified, because the TLS handshake fails before that: {handshake.verify_error}"
        raise NoReading("tls", f"{handshake.server_name}: {what}", kind="tls-failed")
    if leaf.is_self_signed and code in UNTRUSTED:
        return "self-signed", "the certificate is self-signed", "a certificate signed by a trusted authority"
    if handshake.completed_by:
        how = "the bundle" if handshake.completed_by == "bundle" else "its issuer's address"
        seen = f"{len(handshake.chain)} certificate(s) sent; the chain verifies once completed from {how}"
        return "chain-incomplete", seen, "every intermediate certificate sent"
    if code in UNTRUSTED:
        return "untrusted-issuer", f"{leaf.issuer} is not trusted: {handshake.verify_error}", "a trusted issuer"
    return "chain-rejected", f"OpenSSL rejects the chain: {handshake.verify_error}", "a chain that clients accept"


@symptom("domain.certificate-drift")
def check_record_and_served_certificate_agree(domains: Domains) -> None:
    """Renewal goes by the record, so a wrong record makes it late, or hides that the servers lack a renewal."""
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
    """Without a certificate a domain cannot be opened; without a renewal it fails when the present one expires."""
    records = require_records(domains.records())
    events = domains.events_or_none()
    Found.all([found for r in records for found in _issue_failed(domains.view(r), domains.issue_failures(r, events))])
    if events is None:
        domains.events()  # clear needs both the records and the failure events


def _issue_failed(domain: Domain, failures: list[str]) -> Iterator[Found]:
    record = domain.record
    if record.ssl_status != "failed" and not failures:
        return
    reason = failures[0] if failures else record.last_verification_error or "no reason recorded"
    yield Found(
        _issue_cause(reason, had_one=record.ssl_issued_at is not None),
        seen=f"ssl_status {record.ssl_status}; {len(failures)} recent failure(s), the newest: {reason}",
        wanted="a certificate issued or renewed at the first attempt",
        subject=domain.name,
        **domain.evidence(),
        reason=reason,
        failures=len(failures),
    )


def _issue_cause(reason: str, *, had_one: bool) -> str:
    """Return the cause; a rate limit comes first, since it is handled alike for first certificates and renewals."""
    words = reason.lower().replace("_", "").replace("-", "").replace(" ", "")
    if "ratelimit" in words or "toomany" in words:
        return "rate-limited"
    return "renewal-failed" if had_one else "validation-failed"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _evidence(served: Served, about: Dated | None = None) -> dict[str, Any]:
    about = about or served.leaf
    evidence: dict[str, Any] = {
        "certificate": about.name,
        "address": served.address,
        "server_name": served.server_name,
        "not_before": _moment(about.not_before),
        "not_after": _moment(about.not_after),
        "days_left": round((about.not_after - served.now).total_seconds() / DAY_S, 1),
        "issuer": served.issuer,
    }
    handshake = served.handshake
    if handshake is None:
        return evidence
    leaf = handshake.leaf
    return evidence | {
        # "names", because a finding's subject is the domain or address.
        "names": ", ".join((*leaf.dns_names, *leaf.ip_addresses)),
        "weakness": _weakness(handshake),
        "chain": [f"{c.subject} <- {c.issuer}" for c in handshake.chain],
        "verify_error": handshake.verify_error or "none",
    }
