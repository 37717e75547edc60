"""The lab's certificate authority."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks_lab.servers.certificates import ANY_KEY, ChainPlan

if TYPE_CHECKING:
    import ssl

    from cryptography import x509

    from runbook_checks_lab.servers.certificates import Issued


class Authority:
    """The lab's root and intermediate, made for each lab, and those of an untrusted issuer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aia_url = ""
        self.chain = lru_cache(maxsize=None)(self._chain)  # key and certificates in one PEM file
        self.context = lru_cache(maxsize=None)(self._context)
        self._issuers: dict[str, tuple[Issued, Issued]] = {}
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        root, intermediate = self._issuer("lab")
        self.ca_file.write_bytes(_pem(root[0]))
        self.intermediates_file.write_bytes(_pem(intermediate[0]))
        self.context(ChainPlan())

    @property
    def ca_file(self) -> Path:
        return self.folder / "root.pem"

    @property
    def intermediates_file(self) -> Path:
        return self.folder / "intermediates.pem"

    def intermediate_der(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding

        return self._issuer("lab")[1][0].public_bytes(Encoding.DER)

    def _issuer(self, name: str) -> tuple[Issued, Issued]:
        with self._one_at_a_time:
            if name not in self._issuers:
                from runbook_checks_lab.servers import issuing

                root = issuing.authority(f"{name.title()} Root", None)
                self._issuers[name] = (root, issuing.authority(f"{name.title()} Intermediate", root))
            return self._issuers[name]

    def _chain(self, plan: ChainPlan) -> Path:
        from runbook_checks_lab.servers import issuing

        issuer = None if plan.issuer == "itself" else self._issuer(plan.issuer)[1]
        leaf, key = issuing.leaf(plan, plan.lifetime_days, issuer, self.aia_url)
        chain = [leaf, issuer[0]] if issuer and plan.sends_intermediate else [leaf]
        file = self.folder / f"chain-{leaf.serial_number:x}.pem"
        file.touch(mode=0o600)
        file.write_bytes(issuing.key_pem(key) + b"".join(_pem(c) for c in chain))
        return file

    def _context(self, plan: ChainPlan) -> ssl.SSLContext:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if plan.key == "RSA 1024":
            context.set_ciphers(ANY_KEY)
        context.load_cert_chain(self.chain(plan))
        return context


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)
