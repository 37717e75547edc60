"""Read the certificates that a TLS server sends, and OpenSSL's verdict on them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import reading
from runbook_checks.probes.net.connect import join
from runbook_checks.probes.net.far_ends import FarEnds
from runbook_checks.probes.tls.certificate import Certificate, covers, path_from, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.probes.tls.handshake import Shaken, Shaker

__all__ = ["Certificate", "Handshake", "look"]

# X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ..._LOCALLY, ..._VERIFY_LEAF_SIGNATURE: an issuer is missing. OpenSSL
# reports the same for an incomplete chain and for an unknown authority.
ISSUER_MISSING = (2, 20, 21)
UNTRUSTED = (*ISSUER_MISSING, 7, 18, 19)  # 7: the issuer has the right name and another key


@dataclass(frozen=True)
class Handshake:
    """Facts from a handshake, and OpenSSL's verdict on the chain. Dates and names are not judged here."""

    host: str
    port: int
    server_name: str  # sent by SNI and expected in the certificate
    peer: str  # "address:port"
    protocol: str  # "TLSv1.3"
    chain: tuple[Certificate, ...]  # as served, leaf first
    path: tuple[Certificate, ...]  # the path that OpenSSL verified, or else the one that the served chain gives
    trusted: bool  # OpenSSL verified the chain as served, apart from names
    verify_error: str | None  # OpenSSL's words; "certificate has expired"
    verify_code: int | None  # X509_V_ERR_*: 10 expired, 18/19 self-signed, 20 issuer unknown, 66 key too weak
    name_matches: bool
    completed_by: Literal["bundle", "aia"] | None  # where the issuer was found that the server does not send
    time_of_look: datetime

    @property
    def leaf(self) -> Certificate:
        return self.chain[0]


def look(
    host: str,
    port: int,
    *,
    server_name: str | None = None,
    ca_file: str | None = None,
    intermediates_file: str | None = None,
    resolver: str | None = None,
    timeout_s: float = 5.0,
    resource: str = "tls",
    client_certificate: tuple[str, str] | None = None,
    follow_aia: bool = True,
    far_ends: FarEnds | None = None,
) -> Handshake:
    """Make a verified handshake, or, if that fails, an unverified one that still gives the facts.

    If an issuer is missing, the chain is verified again with the certificates of intermediates_file, then
    with those that its Authority Information Access names (http only, few, small, as far_ends permits).
    NoReading kinds: those of probes.http.client, with read-timeout for a handshake that stalls.
    """
    from runbook_checks.probes.tls.handshake import Shaker

    with reading(f"TLS {join(host, port)}") as facts:
        shaker = Shaker(
            host, port, server_name or host, ca_file, resolver, within(timeout_s), resource, client_certificate
        )
        shaken = shaker.verified()
        handshake = _handshake(shaker, shaken, intermediates_file, (far_ends or FarEnds()) if follow_aia else None)
        facts.update(_facts(handshake, shaken))
        return handshake


def _handshake(shaker: Shaker, shaken: Shaken, bundle: str | None, far_ends: FarEnds | None) -> Handshake:
    chain, now = _read_chain(shaker, shaken.chain), datetime.now(UTC)
    return Handshake(
        host=shaker.host,
        port=shaker.port,
        server_name=shaker.server_name,
        peer=shaken.peer,
        protocol=shaken.protocol,
        chain=chain,
        path=verified_path(shaken.verified) or path_from(chain, now),
        trusted=shaken.verify_error is None,
        verify_error=shaken.verify_error,
        verify_code=shaken.verify_code,
        name_matches=covers(chain[0], shaker.server_name),
        completed_by=_completed_by(shaker, shaken, bundle, far_ends),
        time_of_look=now,
    )


def verified_path(ders: Sequence[bytes]) -> tuple[Certificate, ...]:
    """Return the certificates of a verified path; a root that the library cannot parse is left out."""
    path = []
    for der in ders:
        with suppress(ValueError):
            path.append(read(der))
    return tuple(path)


def _read_chain(shaker: Shaker, ders: list[bytes]) -> tuple[Certificate, ...]:
    try:
        chain = tuple(read(der) for der in ders)
    except ValueError:
        raise shaker.gone("malformed-answer", "it sends a certificate that cannot be parsed") from None
    if not chain:
        raise shaker.gone("tls-failed", "it sends no certificate")
    return chain


def _completed_by(
    shaker: Shaker, shaken: Shaken, bundle: str | None, far_ends: FarEnds | None
) -> Literal["bundle", "aia"] | None:
    from runbook_checks.probes.tls.aia import from_aia, from_file

    if shaken.verify_code not in ISSUER_MISSING:
        return None
    given = from_file(bundle, shaker.resource) if bundle else []
    if given and shaker.code_with(given) not in UNTRUSTED:
        return "bundle"
    ask = (shaker.resource, shaker.resolver, shaker.deadline)
    fetched = from_aia(shaken.chain, *ask, far_ends) if far_ends is not None else []
    if fetched and shaker.code_with(given + fetched) not in UNTRUSTED:
        return "aia"
    return None


def _facts(handshake: Handshake, shaken: Shaken) -> dict[str, object]:
    leaf = handshake.leaf
    return {
        "peer": handshake.peer,
        "protocol": handshake.protocol,
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "not_after": leaf.not_after.isoformat(),
        "certificates": len(handshake.chain),
        "trusted": handshake.trusted,
        "verify_error": handshake.verify_error,
        "name_matches": handshake.name_matches,
        "completed_by": handshake.completed_by,
        "dns_ms": shaken.dns_ms,
        "connect_ms": shaken.connect_ms,
        "tls_ms": shaken.tls_ms,
    }
