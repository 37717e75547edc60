"""How far did one HTTP exchange get, and what does an error on the way stand for?"""

from __future__ import annotations

import http.client
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runbook_checks.inputs import address
from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.far_ends import FarEnds
from runbook_checks.probes.tls.tls_context import openssl_words

MAX_LINE = 64 * 1024
TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: \d{3}")  # http.client's words for a proxy's refusal
OPEN = "clear-text-refused"
CUT = (
    ConnectionError,
    http.client.RemoteDisconnected,
    http.client.IncompleteRead,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


class Malformed(http.client.HTTPException):
    """What came is no HTTP."""


@dataclass
class Exchange:
    """One request on its way: its clock, its sockets, what it met."""

    url: str
    resource: str
    deadline: Deadline
    resolver: str | None
    connect_timeout_s: float
    undo: ExitStack
    as_served: bool = (
        False  # addresses are tried in the order of the answer: what is measured is what a new client meets
    )
    far_ends: FarEnds | None = None  # where a far end named the address
    begun: float = field(default_factory=time.monotonic)
    phase: str = "connecting"
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    connected: float = 0.0
    sent: float = 0.0
    first_byte: float = 0.0
    sent_at: float = 0.0
    received_at: float = 0.0
    peer: str = ""
    is_reused: bool = True
    proxy: str | None = None  # "host:port" of the proxy that is asked
    opens: bool = False  # without TLS it shows a login to whoever is on the way
    opens_at_proxy: bool = False
    clear_text: tuple[str, ...] = ()  # hosts and networks where that may be
    is_through: bool = False  # the proxy has made the way free: what fails now is the service's

    def guard(self, ip: str, host: str) -> None:
        """NoReading clear-text-refused where the far end of a connection may not be shown the login."""
        if self.proxy and self.opens:  # whoever the proxy reaches is named by the address alone
            self._guard(urlsplit(self.url).hostname or "", urlsplit(self.url).hostname or "")
        if self.opens_at_proxy if self.proxy else self.opens:
            self._guard(ip, host)

    def _guard(self, ip: str, host: str) -> None:
        if not address.may_hear(ip, host, self.clear_text):
            what = f"{self.url}: {host} is another machine, and a login would go there in clear text: "
            what += address.WAYS_ON.format(tls="https://")
            raise NoReading(self.resource, what, kind=OPEN, evidence={"url": self.url, "host": host})

    def failed(self, error: Exception) -> NoReading:
        """The error of a library as the NoReading it stands for, without values that might be secret."""
        kind, what = self._tell(error)
        if self.proxy and self.phase.startswith("connecting") and not self.is_through:
            kind, what = "proxy-failed", f"through the proxy {self.proxy}: {what}"
        evidence = {"url": self.url, "phase": self.phase, "peer": self.peer}
        if isinstance(error, ssl.SSLCertVerificationError):
            evidence["verify_code"] = str(error.verify_code)
        return NoReading(self.resource, f"{self.url}: {what}", kind=kind, evidence=evidence)

    def _tell(self, error: Exception) -> tuple[str | None, str]:
        if self.deadline.expired or isinstance(error, TimeoutError):
            return "read-timeout", f"gave up after {time.monotonic() - self.begun:.1f} s while {self.phase}"
        if isinstance(error, CUT):
            return "connection-reset", f"the connection was closed while {self.phase}"
        if isinstance(error, ssl.SSLError):
            return "tls-failed", f"TLS failed: {openssl_words(error)}"
        if isinstance(error, http.client.LineTooLong):
            return "malformed-answer", f"a header line of the answer is longer than {MAX_LINE} bytes"
        if isinstance(error, http.client.BadStatusLine):
            return "malformed-answer", "what answers does not speak HTTP"
        if isinstance(error, http.client.HTTPException):
            return "malformed-answer", f"the answer is malformed: {error}"
        refused = TUNNEL_REFUSED.match(str(error))
        return None, refused[0] if refused else f"failed while {self.phase} ({type(error).__name__})"

    def broke_while_idle(self, gone: NoReading) -> bool:
        """A kept connection was closed before our request reached anybody: no fault of the service.

        RFC 9112, 9.3.1: ask again over a new one.
        """
        return gone.kind == "connection-reset" and self.is_reused and not self.first_byte

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        self.phase = phase
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise self.failed(error) from None


exchange: ContextVar[Exchange] = ContextVar("exchange")


def malformed(now: Exchange, what: str) -> NoReading:
    return NoReading(now.resource, f"{now.url}: {what}", kind="malformed-answer", evidence={"url": now.url})


def too_large(now: Exchange, max_body: int) -> NoReading:
    return NoReading(
        now.resource,
        f"{now.url}: the body of the answer is larger than {max_body} bytes",
        kind="body-too-large",
        evidence={"url": now.url, "max_body": max_body},
    )
