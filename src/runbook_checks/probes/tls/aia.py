"""Find the issuers' certificates that complete a chain which a server sends incompletely."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.inputs.regular_file import open_regular, why
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.net.far_ends import FarEnds, is_plain_http
from runbook_checks.probes.tls.certificate import path_from, read

if TYPE_CHECKING:
    from cryptography import x509

    from runbook_checks.probes.core.deadline import Deadline

MAX_STEPS = 4
HTTP_PORT = 80
MAX_SIZE = 64 * 1024


@dataclass(frozen=True)
class Fetching:
    """How an issuer's certificate is fetched."""

    resource: str
    resolver: str | None
    deadline: Deadline
    far_ends: FarEnds = field(default_factory=FarEnds)


def from_file(path: str, resource: str) -> list[bytes]:
    """Return the intermediates of a PEM file. Roots in it are left out, since they would become trusted."""
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
            f"cannot use the file of intermediates {path}: {reason}",
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
    """Fetch the missing issuers, each from the address in the certificate below it (RFC 5280, 4.2.2.1).

    The certificate's owner chooses that address, so it is followed only to port 80 of a public address, or into a
    range that the environment allows.
    """
    found: list[bytes] = []
    how = Fetching(resource, resolver, deadline, replace(far_ends or FarEnds(), public_port=HTTP_PORT))
    top = path_from([read(der) for der in chain], datetime.now(UTC))[-1]
    for _ in range(MAX_STEPS):
        fetched = next((der for url in top.issuer_urls for der in _fetch(url, top.issuer, how)), None)
        if fetched is None:
            break
        top = read(fetched)
        if top.is_self_signed:
            break
        found.append(fetched)
    return found


def _fetch(url: str, subject: str, how: Fetching) -> list[bytes]:
    """Fetch the certificates with this subject from `url`; an empty list if that fails or takes too long."""
    left = how.deadline.remaining()
    if left <= 0 or not is_plain_http(url):  # verifying https could need this certificate itself
        return []
    site = Http(
        url,
        resource=how.resource,
        timeout_s=left,
        resolver=how.resolver,
        max_body=MAX_SIZE,
        far_ends=how.far_ends,
    )
    try:
        response = site.send("GET", "")
        return [der for der in _parsed(response.body) if read(der).subject == subject]
    except (NoReading, ValueError):
        return []
    finally:
        site.close()


def _parsed(data: bytes) -> list[bytes]:
    """Parse certificates in PEM, DER or a PKCS #7 bundle (RFC 5280, 4.2.2.1 allows the latter two)."""
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
    except Exception:  # each unknown version or algorithm raises a different error
        return []
