"""Certificates that the lab issues: the WebPKI profile, with the changes of a plan."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

    from runbook_checks_lab.servers.certificates import ChainPlan, Issued

YEAR = dt.timedelta(days=365)
PURPOSES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


def authority(name: str, issuer: Issued | None) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_named(name), key.public_key(), issuer, _now() - YEAR, _now() + 5 * YEAR)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
    builder = builder.add_extension(_key_usage(is_authority=True), critical=True)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def leaf(plan: ChainPlan, lifetime_days: int, issuer: Issued | None, aia_url: str) -> Issued:
    key = _key(plan.key)
    ends = _now() + dt.timedelta(days=plan.days_left, minutes=5)
    builder = _builder(_named(plan.names[0]), key.public_key(), issuer, ends - dt.timedelta(days=lifetime_days), ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(is_authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([PURPOSES[plan.purpose]]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in plan.names]), critical=False)
    if issuer and aia_url:
        builder = builder.add_extension(_issuer_at(aia_url), critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def key_pem(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _builder(
    subject: x509.Name, key: CertificatePublicKeyTypes, issuer: Issued | None, begins: dt.datetime, ends: dt.datetime
) -> x509.CertificateBuilder:
    signer = issuer[1].public_key() if issuer else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)  # type: ignore[arg-type]
    )


def _key(kind: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if kind == "RSA 1024":
        return rsa.generate_private_key(65537, 1024)  # noqa: S505  the weak certificate is a fault
    return ec.generate_private_key(ec.SECP256R1())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_at(url: str) -> x509.AuthorityInformationAccess:
    where = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)])


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
