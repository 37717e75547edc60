"""Is the certificate that an address serves inside its dates, and would a client trust it?"""

from __future__ import annotations

from typing import Any

import pytest

from fixtures import Found, NoReading, symptom
from fixtures.handles import Front
from probes.tls import Certificate, Handshake

DAY_S = 86400


def _served(front: Front) -> tuple[Handshake, Certificate, str]:
    """The handshake, its leaf and the address; skipped where there is no TLS to look at."""
    address = front.address
    if address is not None and front.run.domains and address[0].lower() not in front.run.domains:
        pytest.skip(f"{address[0]} is not among the chosen domains")
    handshake = front.handshake()
    if handshake is None or address is None:
        pytest.skip("the service is plain HTTP: there is no certificate")
    if not handshake.chain:
        raise NoReading("tls", f"{address[0]}:{address[1]} showed no certificate", kind="no-certificate")
    return handshake, handshake.chain[0], f"{address[0]}:{address[1]}"


@symptom("domain.certificate-expired")
def check_certificate_is_inside_its_dates(front: Front) -> None:
    """Outside its dates every client refuses the certificate: the service is down for all of them."""
    handshake, leaf, address = _served(front)
    now = handshake.time_of_look
    if leaf.not_before <= now <= leaf.not_after:
        return
    expired = now > leaf.not_after
    moment = leaf.not_after if expired else leaf.not_before
    raise Found(
        "expired" if expired else "not-yet-valid",
        seen=f"the certificate {'ended' if expired else 'begins'} at {moment:%Y-%m-%d %H:%M} UTC",
        wanted="a certificate that is valid now",
        subject=address,
        **_evidence(handshake, leaf, address),
    )


@symptom("domain.certificate-expiring")
def check_certificate_lasts(front: Front) -> None:
    """An expiry is known weeks before; whoever hears of it on the day heard too late."""
    handshake, leaf, address = _served(front)
    left = (leaf.not_after - handshake.time_of_look).total_seconds() / DAY_S
    lifetime = (leaf.not_after - leaf.not_before).total_seconds() / DAY_S
    # Certificates of a few days are renewed at two thirds of their life, not weeks before the end.
    warn = min(front.settings.warn_days, lifetime / 3)
    alarm = min(front.settings.alarm_days, lifetime / 9)
    if left >= warn or left < 0:
        return
    is_late = left < alarm
    raise Found(
        "renewal-failing" if is_late else "renewal-due",
        seen=f"{left:.1f} days left of {lifetime:.0f}",
        wanted=f"{warn:g} days or more" if not is_late else f"renewed before {alarm:g} days were left",
        subject=address,
        severity="P1" if is_late else "P2",
        **_evidence(handshake, leaf, address),
    )


@symptom("domain.certificate-invalid")
def check_certificate_is_trusted(front: Front) -> None:
    """A certificate for another name or from an unknown issuer is refused by every client that looks."""
    handshake, leaf, address = _served(front)
    evidence = _evidence(handshake, leaf, address)

    def found(cause: str, seen: str, wanted: str) -> Found:
        return Found(cause, seen=seen, wanted=wanted, subject=address, **evidence)

    problems = []
    if not handshake.name_matches:
        names = evidence["names"] or "no name"
        problems.append(found("wrong-host", f"the certificate is for {names}", f"one for {handshake.server_name}"))
    weak = next((c for c in handshake.chain if c.is_weak and not (c.is_self_signed and c is not leaf)), None)
    if weak is not None:
        problems.append(found("weak-key-or-signature", weak.weakness or "weak", "RSA 2048, EC 224 or more, and SHA-2"))
    elif not handshake.trusted and _is_about_trust(handshake, leaf):
        problems.append(found(*_distrust(handshake, leaf)))
    Found.all(problems)


def _is_about_trust(handshake: Handshake, leaf: Certificate) -> bool:
    """Whether OpenSSL's refusal is about the chain; dates are certificate-expired's, the name is told above."""
    in_dates = leaf.not_before <= handshake.time_of_look <= leaf.not_after
    return handshake.verify_code not in (9, 10, 62) and (in_dates or leaf.is_self_signed)


def _distrust(handshake: Handshake, leaf: Certificate) -> tuple[str, str, str]:
    if leaf.is_self_signed:
        return "self-signed", "the certificate is signed by itself", "one signed by a trusted authority"
    if handshake.completed_by:
        how = "the bundle" if handshake.completed_by == "bundle" else "its issuer's address"
        seen = f"{len(handshake.chain)} certificate(s) served; the chain verifies once completed from {how}"
        return "chain-incomplete", seen, "every intermediate certificate served"
    return "untrusted-issuer", f"{leaf.issuer} is not trusted: {handshake.verify_error}", "a trusted issuer"


def _evidence(handshake: Handshake, leaf: Certificate, address: str) -> dict[str, Any]:
    return {
        "address": address,
        "server_name": handshake.server_name,
        "not_before": f"{leaf.not_before:%Y-%m-%d %H:%M} UTC",
        "not_after": f"{leaf.not_after:%Y-%m-%d %H:%M} UTC",
        "days_left": round((leaf.not_after - handshake.time_of_look).total_seconds() / DAY_S, 1),
        "issuer": leaf.issuer,
        # Not the subject a finding is about: evidence and subject are told apart.
        "names": ", ".join((*leaf.dns_names, *leaf.ip_addresses)),
        "weakness": next((c.weakness for c in handshake.chain if c.weakness), "none"),
        "chain": [f"{c.subject} <- {c.issuer}" for c in handshake.chain],
        "verify_error": handshake.verify_error or "none",
    }
