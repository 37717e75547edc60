"""Make TLS contexts that believe the right certificate authorities, and name what fails in a handshake."""

from __future__ import annotations

import os
import re
import ssl
import warnings
from collections.abc import Iterable

from runbook_checks.inputs.regular_file import require_regular
from runbook_checks.probes.core.reading import NoReading

CUT = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)  # the connection was closed under way


def context(resource: str, ca_file: str | None, client_certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
    """A verifying TLS context: the authorities of `ca_file` alone, or those of certifi.

    NoReading with kind ca-file-unreadable or client-certificate-unreadable: nothing was looked at yet.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.hostname_checks_common_name = False  # RFC 9525, 2: names are in subjectAltName alone
    load_authorities(made, resource, ca_file)
    load_client_certificate(made, resource, client_certificate)
    return made


def system() -> ssl.SSLContext:
    """A verifying context with the authorities that the system trusts, as SSL_CERT_FILE and SSL_CERT_DIR name them."""
    return ssl.create_default_context()


def lenient(resource: str, client_certificate: tuple[str, str] | None) -> ssl.SSLContext:
    """A context that accepts anything: looking at a bad certificate is the point. Nothing secret goes over it."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = ssl.TLSVersion.TLSv1
    load_client_certificate(made, resource, client_certificate)
    return made


def load_client_certificate(made: ssl.SSLContext, resource: str, client_certificate: tuple[str, str] | None) -> None:
    if client_certificate is None:
        return
    cert, key = client_certificate
    try:
        require_regular(cert)
        require_regular(key)
        # Without a password callback OpenSSL would ask on the terminal for an encrypted key.
        made.load_cert_chain(cert, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise NoReading(
            resource,
            f"the client certificate {cert} and its key can't be used: {_plainly(error)}",
            kind="client-certificate-unreadable",
            evidence={"certificate": cert, "key": key},
        ) from None


def load_authorities(made: ssl.SSLContext, resource: str, ca_file: str | None) -> None:
    if ca_file is None:
        import certifi

        ca_file = certifi.where()
    is_folder = os.path.isdir(ca_file)
    try:
        if not is_folder:
            require_regular(ca_file)
        made.load_verify_locations(**{"capath" if is_folder else "cafile": ca_file})
    except (OSError, ValueError) as error:
        raise NoReading(
            resource,
            f"the CA file {ca_file} can't be used: {_plainly(error)}",
            kind="ca-file-unreadable",
            evidence={"ca_file": ca_file},
        ) from None


def load_links(made: ssl.SSLContext, intermediates: Iterable[bytes]) -> bool:
    """Let certificates (DER) complete a chain; False where OpenSSL can't read them, and nothing was added.

    In the store they are links, not anchors: without X509_V_FLAG_PARTIAL_CHAIN a chain must end in a root.
    """
    try:
        made.load_verify_locations(cadata=b"".join(intermediates))
    except ssl.SSLError:
        return False
    return True


def _plainly(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return openssl_words(error)
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def openssl_words(error: ssl.SSLError) -> str:
    """OpenSSL's own reason: "certificate has expired", "wrong version number", ..."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    # Where OpenSSL knows a reason by number only, Python puts it between "[SSL] " and " (_ssl.c:992)".
    bare = re.sub(r"^\[[^]]*\] ?|\s*\(_ssl\.c:\d+\)$", "", error.strerror or "")
    return (error.reason or bare or type(error).__name__).replace("_", " ").lower()
