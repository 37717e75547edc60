"""Plans of the lab's certificates: valid ones, and each kind of invalid one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    Issued = tuple[x509.Certificate, CertificateIssuerPrivateKeyTypes]

LIFETIME_DAYS = 90
ANY_KEY = "DEFAULT:@SECLEVEL=0"  # OpenSSL otherwise refuses a key of 1024 bits


@dataclass(frozen=True)
class ChainPlan:
    """The chain that a server sends; the defaults are a valid chain of leaf and intermediate."""

    names: tuple[str, ...] = ("cs.lab.test",)
    days_left: float = 60
    lifetime_days: int = LIFETIME_DAYS
    issuer: Literal["lab", "stranger", "itself"] = "lab"
    key: Literal["EC 256", "RSA 1024"] = "EC 256"
    sends_intermediate: bool = True
    purpose: Literal["server", "client"] = "server"
