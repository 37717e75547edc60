"""Send the monitor's HTTP requests (heartbeat, Pushgateway) through the environment's proxy and no other.

A GET follows redirects to HTTP and HTTPS only, through the same proxy. Certificates are verified with the system's
trust store.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.monitor import limits
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import REDIRECTS, Answer, Http
from runbook_checks.probes.http.target import shown

MAX_REDIRECTS = 10
ANYWHERE = ("0.0.0.0/0", "::/0")  # the environment's address may hold a login, also without TLS


def request(
    method: str, address: str, headers: Mapping[str, str], *, body: bytes = b"", proxy: str | None = None
) -> None:
    """Send a request; OSError unless the status is 2xx. The message does not quote the address, which may be secret."""
    if proxy is not None and not (is_address(proxy) and proxy.startswith("http://")):
        raise OSError(f"the proxy's address {NO_ADDRESS}, or begins with https://")
    address, end = address.strip(), time.monotonic() + limits.WHOLE_S
    for _ in range(MAX_REDIRECTS + 1):
        answer = _send(method, address, headers, body, proxy, end - time.monotonic())
        location = answer.headers.get("location")
        if method != "GET" or answer.status not in REDIRECTS or not location:
            break
        address = urljoin(answer.url, location)
        if urlsplit(address).scheme not in ("http", "https"):
            raise OSError("redirect to an address that is neither http:// nor https://")
    if not 200 <= answer.status < 300:
        raise OSError(f"HTTP {answer.status}")


def _send(
    method: str, address: str, headers: Mapping[str, str], body: bytes, proxy: str | None, left_s: float
) -> Answer:
    parts = urlsplit(address)
    origin, anywhere = f"{parts.scheme}://{parts.netloc}", (*ANYWHERE, parts.hostname or "")
    http = Http(
        origin, headers=headers, proxy=proxy, timeout_s=left_s, trusts_system=True, clear_text=anywhere, resource=""
    )
    try:
        return http.send(method, shown(address), body=body, even_limited=True)
    except NoReading as gone:
        if gone.kind == "read-timeout":
            raise TimeoutError(f"timed out after {limits.WHOLE_S:g} s") from None
        raise OSError(f"no usable response ({gone.kind or 'failed'})") from None
