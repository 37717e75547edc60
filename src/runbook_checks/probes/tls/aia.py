"""Which certificates would complete a chain that a server serves incompletely?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.inputs.regular_file import open_regular, why
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.net.far_ends import FarEnds, is_plain_http
from runbook_checks.probes.tls.certificate import Certificate, read

if TYPE_CHECKING:
    from cryptography import x509

    from runbook_checks.probes.core.deadline import Deadline

MAX_STEPS = 4
HTTP_PORT = 80
MAX_SIZE = 64 * 1024


@dataclass(frozen=True)
class Asking:
    """How an issuer's certificate is fetched."""

    resource: str
    resolver: str | None
    deadline: Deadline
    far_ends: FarEnds = field(default_factory=FarEnds)


def from_file(path: str, resource: str) -> list[bytes]:
    """The intermediates of a PEM file. Roots in it are left out: they would become trusted."""
    try:
        with open_regular(Path(path)) as file:
            found = _parsed(file.read(4 << 20))
    except OSError as error:
        found = []
        reason = why(error)
    else:
        reason = "it holds no certificate"
    if not found:
        raise NoReading(
            resource,
            f"the file of intermediates {path} can't be used: {reason}",
            kind="ca-file-unreadable",
            evidence={"intermediates_file": path},
        )
    return [der for der in found if not _is_root(der)]


def _is_root(der: bytes) -> bool:
    try:
        return read(der).is_self_signed
    except ValueError:
        return True


def from_aia(
    chain: list[bytes], resource: str, resolver: str | None, deadline: Deadline, far_ends: FarEnds | None = None
) -> list[bytes]:
    """The missing issuers, fetched one after the other from where each certificate says (RFC 5280, 4.2.2.1).

    Whoever serves a certificate chooses that address, so it is followed only to port 80 of a public address, or into
    a range that the environment allows.
    """
    found: list[bytes] = []
    ask = Asking(resource, resolver, deadline, replace(far_ends or FarEnds(), public_port=HTTP_PORT))
    top = top_of([read(der) for der in chain])
    for _ in range(MAX_STEPS):
        fetched = next((der for url in top.issuer_urls for der in _fetch(url, top.issuer, ask)), None)
        if fetched is None:
            break
        top = read(fetched)
        if top.is_self_signed:
            break
        found.append(fetched)
    return found


def top_of(chain: list[Certificate]) -> Certificate:
    """The last certificate that can be reached from the leaf; servers send them in any order."""
    top, by_subject = chain[0], {certificate.subject: certificate for certificate in chain[1:]}
    while top.issuer in by_subject:
        top = by_subject.pop(top.issuer)
    return top


def _fetch(url: str, subject: str, ask: Asking) -> list[bytes]:
    """The certificates at `url` that are of that subject; none where it can't be had in time."""
    left = ask.deadline.remaining()
    if left <= 0 or not is_plain_http(url):  # over https it could need itself
        return []
    site = Http(
        url,
        resource=ask.resource,
        timeout_s=left,
        resolver=ask.resolver,
        max_body=MAX_SIZE,
        far_ends=ask.far_ends,
    )
    try:
        answer = site.send("GET", "")
        return [der for der in _parsed(answer.body) if read(der).subject == subject]
    except (NoReading, ValueError):
        return []
    finally:
        site.close()


def _parsed(data: bytes) -> list[bytes]:
    """Certificates in PEM, DER or a PKCS #7 bundle (RFC 5280, 4.2.2.1 allows both of the latter)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    def found() -> list[x509.Certificate]:
        if b"-----BEGIN CERTIFICATE-----" in data:
            return x509.load_pem_x509_certificates(data)
        try:
            return [x509.load_der_x509_certificate(data)]
        except ValueError:
            return pkcs7.load_der_pkcs7_certificates(data)

    try:
        return [certificate.public_bytes(Encoding.DER) for certificate in found()]
    except Exception:  # a version or an algorithm that the library doesn't know, each in its own way
        return []
