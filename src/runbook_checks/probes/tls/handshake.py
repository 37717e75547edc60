"""TLS handshakes with one server, with and without verification."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, replace
from typing import Any

from runbook_checks.inputs.address import is_ip
from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.connect import connect, join
from runbook_checks.probes.net.tls_context import CUT, context, lenient, load_links, openssl_words
from runbook_checks.probes.tls.certificate import ascii_name

ISSUER_UNKNOWN = 20  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY


@dataclass(frozen=True)
class Shaken:
    """One finished handshake."""

    chain: list[bytes]  # DER, as served
    verified: list[bytes]  # DER, the path that OpenSSL verified, leaf to root; empty if not verified
    peer: str
    protocol: str
    dns_ms: float
    connect_ms: float
    tls_ms: float
    verify_error: str | None = None
    verify_code: int | None = None


@dataclass
class Shaker:
    """Handshakes with one server, as many as needed, within one deadline."""

    host: str
    port: int
    server_name: str
    ca_file: str | None
    resolver: str | None
    deadline: Deadline
    resource: str
    client_certificate: tuple[str, str] | None = None

    def verified(self) -> Shaken:
        """Return a handshake that OpenSSL verifies; if it refuses, an unverified one with OpenSSL's reason."""
        try:
            return self._shake(self._verifying())
        except ssl.SSLCertVerificationError as error:
            return self._unverified(openssl_words(error), error.verify_code)
        except ssl.SSLError as error:
            if isinstance(error, CUT):
                raise self.failed(error) from None
            # OpenSSL's defaults refuse an old protocol or a short DH key. The certificates can still be read.
            try:
                return self._unverified(openssl_words(error), None)
            except NoReading:
                raise self.failed(error) from None
        except OSError as error:
            raise self.failed(error) from None

    def code_with(self, intermediates: list[bytes]) -> int | None:
        """Return OpenSSL's error code with these certificates added; None if it verifies the chain."""
        completing = self._verifying()
        if not load_links(completing, intermediates):
            return ISSUER_UNKNOWN
        try:
            self._shake(completing)
        except ssl.SSLCertVerificationError as error:
            return error.verify_code
        except OSError as error:
            raise self.failed(error) from None
        return None

    def gone(self, kind: str | None, what: str) -> NoReading:
        where = join(self.host, self.port)
        evidence = {"host": self.host, "port": self.port, "server_name": self.server_name}
        return NoReading(self.resource, f"{where}: {what}", kind=kind, evidence=evidence)

    def failed(self, error: OSError) -> NoReading:
        if self.deadline.expired or isinstance(error, TimeoutError):
            limit = self.deadline.seconds
            return self.gone("read-timeout", f"the TLS handshake timed out after {limit:.1f} s")
        if isinstance(error, CUT):
            return self.gone("connection-reset", "the connection was closed in the TLS handshake")
        if isinstance(error, ssl.SSLError):
            return self.gone("tls-failed", f"the TLS handshake failed: {openssl_words(error)}")
        return self.gone(None, f"the TLS handshake failed ({type(error).__name__})")

    def _verifying(self) -> ssl.SSLContext:
        made = context(self.resource, self.ca_file, self.client_certificate)
        made.check_hostname = False  # names are compared separately: the error code is about the chain only
        return made

    def _unverified(self, verify_error: str, verify_code: int | None) -> Shaken:
        try:
            shaken = self._shake(lenient(self.resource, self.client_certificate))
        except OSError as error:
            raise self.failed(error) from None
        return replace(shaken, verify_error=verify_error, verify_code=verify_code)

    def _shake(self, using: ssl.SSLContext) -> Shaken:
        made = connect(
            self.host,
            self.port,
            resolver=self.resolver,
            deadline=self.deadline,
            connect_timeout_s=self.deadline.seconds,
            resource=self.resource,
        )
        begun = time.monotonic()
        with made.sock, self.deadline.watch(made.sock):
            name = None if is_ip(self.server_name) else ascii_name(self.server_name)
            with using.wrap_socket(made.sock, server_hostname=name) as secured:
                tls_ms = round((time.monotonic() - begun) * 1000, 3)
                if self.deadline.expired:
                    raise TimeoutError
                protocol = secured.version() or ""
                chains = chain_served(secured), chain_verified(secured)
                return Shaken(*chains, made.peer, protocol, made.dns_ms, made.connect_ms, tls_ms)


def chain_served(secured: Any) -> list[bytes]:
    """Return the chain as the server sent it, in DER."""
    return _chain(secured, "get_unverified_chain")


def chain_verified(secured: Any) -> list[bytes]:
    """Return the path that OpenSSL verified, from the leaf to the root, in DER; empty without verification."""
    if secured.context.verify_mode == ssl.CERT_NONE:
        return []
    return _chain(secured, "get_verified_chain")


def _chain(secured: Any, method: str) -> list[bytes]:
    if hasattr(secured, method):  # Python 3.13
        return list(getattr(secured, method)())
    import _ssl

    found = getattr(secured._sslobj, method)() or []
    return [certificate.public_bytes(_ssl.ENCODING_DER) for certificate in found]
