"""Facts of one certificate: covered names, strength, and the address of the issuer's certificate."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from runbook_checks.probes.tls.certificate import covers, read
from tests.probes import pki


def with_access(*places: tuple[Any, x509.GeneralName]) -> bytes:
    """Return a certificate with these access descriptions."""
    key, name = pki.ec_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.test")])
    access = x509.AuthorityInformationAccess([x509.AccessDescription(*place) for place in places])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(255)
        .not_valid_before(pki.NOW)
        .not_valid_after(pki.NOW + pki.DAY)
        .add_extension(access, critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(pki.DER)


OCSP, ISSUERS = AuthorityInformationAccessOID.OCSP, AuthorityInformationAccessOID.CA_ISSUERS


def url(number: int) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(f"http://ca.test/{number}")


def test_issuer_addresses_do_not_include_ocsp() -> None:
    elsewhere = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")]))
    reported = read(with_access((OCSP, url(1)), (ISSUERS, elsewhere), (ISSUERS, url(2))))
    assert reported.issuer_urls == ("http://ca.test/2",)
    assert reported.serial == "ff"
    many = read(with_access(*((ISSUERS, url(number)) for number in range(9))))
    assert many.issuer_urls == tuple(f"http://ca.test/{number}" for number in range(4))
    assert read(pki.make("shop.test").der).issuer_urls == ()


def test_names_that_a_certificate_covers() -> None:
    names = ("Shop.test", "*.shop.test", "*.test", "b\u00fccher.test".encode("idna").decode(), "10.0.0.1", "::1")
    reported = read(pki.make("other.test", names=names).der)
    good = ("shop.test", "SHOP.test.", "www.shop.test", "b\u00fccher.test", "10.0.0.1", "[::1]", "::1")
    bad = ("other.test", "a.b.shop.test", "x.test", "10.0.0.2", "test", "www.other.test", "xn--\u00fc.test")
    assert {name: covers(reported, name) for name in (*good, *bad)} == dict.fromkeys(good, True) | dict.fromkeys(
        bad, False
    )
    assert reported.dns_names[0] == "shop.test"
    nameless = read(pki.make("shop.test").der)
    assert (nameless.dns_names, nameless.ip_addresses, covers(nameless, "shop.test")) == ((), (), False)


KEYS: list[tuple[Any, str, bool]] = [
    (pki.rsa_key(2048), "RSA 2048", False),
    (pki.rsa_key(1024), "RSA 1024", True),
    (ec.generate_private_key(ec.SECP256R1()), "EC 256 (secp256r1)", False),
    (ec.generate_private_key(ec.SECP224R1()), "EC 224 (secp224r1)", False),
    (ec.generate_private_key(ec.SECP192R1()), "EC 192 (secp192r1)", True),
    (dsa.generate_private_key(2048), "DSA 2048", True),
]


def test_which_keys_are_weak() -> None:
    authority = pki.make("CA", is_ca=True)
    for key, name, is_weak in KEYS:
        reported = read(pki.make("shop.test", authority, key=key).der)
        assert (reported.key, reported.is_weak, reported.weakness is not None) == (name, is_weak, is_weak)
        whole = key.public_key().public_bytes(pki.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert reported.key_sha256 == hashlib.sha256(whole).hexdigest()
    reported = read(pki.make("shop.test", authority, key=ed25519.Ed25519PrivateKey.generate()).der)
    assert (reported.key, reported.is_weak) == ("Ed25519", False)


def test_sha1_signature_is_weak_unless_self_signed() -> None:
    key = pki.rsa_key(2048)
    authority = pki.make("CA", is_ca=True, key=key)
    leaf = read(pki.with_sha1(pki.make("shop.test", authority), key))
    assert (leaf.is_weak, leaf.weakness) == (True, "its signature uses SHA1")
    own = read(pki.with_sha1(authority, key))
    assert (own.is_self_signed, own.weakness) == (True, None)


def test_self_signed_is_decided_by_the_signature() -> None:
    authority = pki.make("CA", is_ca=True)
    assert read(authority.der).is_self_signed
    assert not read(pki.make("shop.test", authority).der).is_self_signed
    impostor = pki.make("CA", authority)  # with its issuer's name, and another key
    assert not read(impostor.der).is_self_signed


@pytest.mark.parametrize("junk", [b"", b"0", pki.make("shop.test").der[:-20]], ids=["nothing", "a byte", "cut short"])
def test_invalid_certificate_is_no_reading(junk: bytes) -> None:
    with pytest.raises(ValueError, match="unreadable certificate"):
        read(junk)
