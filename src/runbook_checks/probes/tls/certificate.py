"""Read X.509 certificates, and order those that a server sends into a path."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

MIN_RSA_BITS = 2048  # CA/Browser Forum Baseline Requirements, 6.1.5
MIN_EC_BITS = 224
WEAK_HASHES = ("md5", "sha1")
MAX_ISSUER_URLS = 4


@dataclass(frozen=True)
class Certificate:
    """Facts about one certificate; times are aware and in UTC, names as RFC 4514 writes them."""

    subject: str  # "CN=cs.example.com,O=Example"
    issuer: str
    dns_names: tuple[str, ...]  # subjectAltName, lower case
    ip_addresses: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str  # "RSA 2048", "EC 256 (secp256r1)", "Ed25519"
    is_weak: bool
    weakness: str | None  # one sentence; a root's own signature doesn't count
    serial: str  # hex
    sha256: str  # hex, of the DER form
    is_self_signed: bool
    key_sha256: str = ""  # hex, of the public key as SubjectPublicKeyInfo: the value of pins (RFC 7469, 2.4)
    issuer_urls: tuple[str, ...] = ()  # Authority Information Access, caIssuers (RFC 5280, 4.2.2.1)

    @property
    def validity(self) -> Validity:
        return Validity(self.not_before.timestamp(), self.not_after.timestamp(), self.issuer, self.subject)


class Validity(NamedTuple):
    """Dates and names of a certificate; times in seconds since the epoch."""

    not_before: float
    not_after: float
    issuer: str
    subject: str


def read(der: bytes) -> Certificate:
    """Return the facts of a certificate in DER form; ValueError if it cannot be parsed."""
    try:
        return _read(der)
    except Exception as error:  # each unknown version, key, name or extension raises a different error
        raise ValueError(f"unreadable certificate ({type(error).__name__})") from None


def validity(der: bytes) -> Validity:
    """Return only dates and names; ValueError as `read`.

    For a sweep: a thousand certificates take 6 ms of CPU time, and 33 with `read`.
    """
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(der)
        return Validity(
            found.not_valid_before_utc.timestamp(),
            found.not_valid_after_utc.timestamp(),
            found.issuer.rfc4514_string(),
            found.subject.rfc4514_string(),
        )
    except Exception as error:  # as in `read`
        raise ValueError(f"unreadable certificate ({type(error).__name__})") from None


def path_from(chain: Sequence[Certificate], at: datetime) -> tuple[Certificate, ...]:
    """Return the leaf and its issuers among the certificates that a server sends, in any order and with unused ones.

    If several carry the issuer's name, one that is valid at `at` is preferred, as OpenSSL does.
    """
    path, others = [chain[0]], list(chain[1:])
    while path[-1].subject != path[-1].issuer:
        issuers = [one for one in others if one.subject == path[-1].issuer]
        if not issuers:
            break
        path.append(max(issuers, key=lambda one: (one.not_before <= at <= one.not_after, one.not_after)))
        others.remove(path[-1])
    return tuple(path)


def first_to_end(issuers: Iterable[Validity], leaf_end: float) -> Validity | None:
    """Return the issuer that ends first, if it ends before the leaf."""
    return min((one for one in issuers if one.not_after < leaf_end), key=lambda one: one.not_after, default=None)


def _read(der: bytes) -> Certificate:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    is_own = _is_self_signed(certificate)
    names = _alternative_names(certificate)
    key, weakness = _key(certificate.public_key())
    weakness = weakness or (None if is_own else _weak_signature(certificate))
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        dns_names=names[0],
        ip_addresses=names[1],
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=key,
        is_weak=weakness is not None,
        weakness=weakness,
        serial=f"{certificate.serial_number:x}",
        sha256=hashlib.sha256(der).hexdigest(),
        key_sha256=_key_digest(certificate),
        is_self_signed=is_own,
        issuer_urls=_issuer_urls(certificate),
    )


def _key_digest(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def covers(certificate: Certificate, name: str) -> bool:
    """Return whether a client that requested `name` accepts this certificate for it (RFC 9525, 6).

    Only subjectAltName counts; a wildcard stands for the whole left-most label of three or more.
    """
    try:
        return str(ipaddress.ip_address(name.strip("[]"))) in certificate.ip_addresses
    except ValueError:
        wanted = ascii_name(name)
    return any(_is_covered(wanted, pattern) for pattern in certificate.dns_names)


def ascii_name(name: str) -> str:
    name = name.rstrip(".").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


def _is_covered(wanted: str, pattern: str) -> bool:
    pattern = pattern.rstrip(".")
    if not pattern.startswith("*."):
        return wanted == pattern
    label, _, parent = wanted.partition(".")
    # OpenSSL lets a wildcard stand for letters, digits and hyphens only: not for a_b.example.com.
    return pattern.count(".") > 1 and parent == pattern[2:] and re.fullmatch(r"[a-z0-9-]+", label) is not None


def _alternative_names(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    return (
        tuple(name.lower() for name in found.get_values_for_type(x509.DNSName)),
        tuple(str(address) for address in found.get_values_for_type(x509.IPAddress)),
    )


def _issuer_urls(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    urls = [
        access.access_location.value
        for access in found
        if access.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(access.access_location, x509.UniformResourceIdentifier)
    ]
    return tuple(urls[:MAX_ISSUER_URLS])


def _key(key: CertificatePublicKeyTypes) -> tuple[str, str | None]:
    """Return kind and size of a key, and why it is weak."""
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    if isinstance(key, rsa.RSAPublicKey):
        is_short = key.key_size < MIN_RSA_BITS
        why = f"its RSA key has {key.key_size} bits, fewer than {MIN_RSA_BITS}" if is_short else None
        return f"RSA {key.key_size}", why
    if isinstance(key, ec.EllipticCurvePublicKey):
        is_short = key.key_size < MIN_EC_BITS
        why = f"its EC key has {key.key_size} bits, fewer than {MIN_EC_BITS}" if is_short else None
        return f"EC {key.key_size} ({key.curve.name})", why
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}", "its key is DSA, which TLS no longer supports"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_"), None


def _weak_signature(certificate: x509.Certificate) -> str | None:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        used = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    if used is None or used.name not in WEAK_HASHES:
        return None
    return f"its signature uses {used.name.upper()}"


def _is_self_signed(certificate: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except (TypeError, ValueError, UnsupportedAlgorithm):
        pass  # the signature algorithm is not supported here; equal names have to suffice
    return True
