"""Carry out one HTTP/1.1 exchange over a socket: every phase timed, every wait bounded, every byte checked.

requests prepares the request but does not send it: its http.client accepts a truncated header block, reads chunk sizes
leniently and skips any number of interim responses, and its timeouts hold for each read and each address only. No
public extension point of requests or urllib3 changes that. h11 reads strictly (RFC 9112), and the deadline shuts the
socket down. Imported on the first request only.
"""

from __future__ import annotations

import select
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import h11
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.util.ssltransport import SSLTransport

from runbook_checks.inputs import address
from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.target import PORTS, Target, login
from runbook_checks.probes.net.connect import connect, join
from runbook_checks.probes.net.tls_context import CUT, openssl_words

MAX_HEADERS = 128 * 1024
MAX_INTERIM = 100
BLOCK = 64 * 1024
OPEN = "clear-text-refused"
TUNNEL = "connecting (through the proxy)"


class NotHttp(h11.RemoteProtocolError):
    """The first bytes belong to another protocol. h11 alone would wait for a blank line."""


class Connection:
    """A connection to a service or its proxy, for one exchange after the other."""

    def __init__(self, sock: Any, peer: str) -> None:
        self.sock, self.peer = sock, peer
        self.ip = peer.rpartition(":")[0].strip("[]")
        self.state = h11.Connection(h11.CLIENT, MAX_HEADERS)

    def is_idle(self) -> bool:
        """Whether the server has neither closed it nor sent anything since the last response."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)

    def renew(self) -> bool:
        """Prepare for another exchange; False if it must be closed."""
        is_over = self.state.our_state is h11.DONE and self.state.their_state is h11.DONE
        if not is_over or self.state.trailing_data[0]:
            return False
        self.state.start_next_cycle()
        return True

    def close(self) -> None:
        self.sock.close()

    __del__ = close


@dataclass(eq=False)
class Exchange:
    """One request, its progress, and its response."""

    target: Target
    context: ssl.SSLContext | None
    url: str
    request: requests.PreparedRequest
    deadline: Deadline
    is_login: bool = False  # headers or body contain a password, a token or a key
    is_measured: bool = False  # as a new client: addresses are tried in the order of the DNS response

    begun: float = field(default_factory=time.monotonic)
    phase: str = "connecting"
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    sent: float = 0.0
    first_byte: float = 0.0
    sent_at: float = 0.0
    received_at: float = 0.0
    peer: str = ""
    proxy: str | None = None  # "host:port" of the proxy in use
    is_through: bool = False  # the tunnel is open, so a failure is the service's

    status: int = 0
    headers: CaseInsensitiveDict[str] = field(default_factory=CaseInsensitiveDict)
    body: bytes = b""

    def run(self, kept: Connection | None) -> Connection | None:
        """Read the response; return the connection if it can be reused.

        Every failure is a NoReading and closes the connection.
        """
        connection, is_kept = kept, False
        try:
            if self.deadline.expired:
                raise TimeoutError
            if connection is None:
                connection = self.connected()
            else:
                self._guard(connection.ip, (self.target.proxy_parts or self._far).hostname or "")
            self.peer = connection.peer
            with self.deadline.watch(connection.sock):
                self._send(connection)
                self._receive(connection)
            is_kept = connection.renew() and not self.deadline.expired
        except (OSError, ValueError, h11.ProtocolError) as error:
            raise self.failed(error) from None
        finally:
            if connection is not None and not is_kept:
                connection.close()
        return connection if is_kept else None

    def connected(self) -> Connection:
        """A new connection, with proxy and TLS as configured."""
        proxy, target = self.target.proxy_parts, self.target
        host, port = _place(proxy or self._far)
        self.phase, self.sent = "connecting", 0.0
        self.proxy = join(host, port) if proxy else None
        try:
            made = connect(
                host,
                port,
                resolver=target.resolver,
                deadline=self.deadline,
                connect_timeout_s=target.connect_timeout_s,
                resource=target.resource,
                as_served=self.is_measured,
                guard=lambda ip: self._guard(ip, host),
                far_ends=None if proxy else target.far_ends,
            )
        except NoReading as gone:
            gone.evidence["url"] = self.url
            if proxy and gone.kind != OPEN:
                gone.kind = "proxy-failed"
            raise
        self.dns_ms, self.connect_ms, self.peer = made.dns_ms, made.connect_ms, made.peer
        with self.deadline.watch(made.sock):
            try:
                sock = self._secured(made.sock, proxy)
            except (OSError, ValueError, h11.ProtocolError) as error:
                raise self.failed(error) from None
        return Connection(sock, made.peer)

    def broke_while_idle(self, gone: NoReading) -> bool:
        """Whether a kept connection was closed before the request arrived (RFC 9112, 9.3.1): a retry is safe."""
        return gone.kind == "connection-reset" and not self.first_byte

    # ------------------------------------------------------------------ connecting
    @property
    def _far(self) -> SplitResult:
        return urlsplit(str(self.request.url))

    def _guard(self, ip: str, host: str) -> None:
        """NoReading clear-text-refused if a login would be sent to another machine without TLS."""
        proxy, url = self.target.proxy_parts, urlsplit(self.url)
        is_open = url.scheme.lower() == "http" and self.is_login
        if proxy and is_open:  # behind a proxy only the name is known
            self._require_trust(url.hostname or "", url.hostname or "")
        if (proxy.scheme == "http" and "@" in proxy.netloc) if proxy else is_open:
            self._require_trust(ip, host)

    def _require_trust(self, ip: str, host: str) -> None:
        if not address.may_hear(ip, host, self.target.clear_text):
            what = f"{host} is another machine, and a login would be sent in clear text: "
            raise self._gone(OPEN, what + address.WAYS_ON.format(tls="https://"), host=host)

    def _secured(self, sock: Any, proxy: SplitResult | None) -> Any:
        begun = time.monotonic()
        try:
            if (proxy or self._far).scheme == "https":
                sock = self._encrypted(sock, proxy or self._far)
            if proxy and self._far.scheme == "https":
                self._tunnel(sock, proxy)
                sock = self._encrypted(sock, self._far)
        except BaseException:
            sock.close()
            raise
        if isinstance(sock, (ssl.SSLSocket, SSLTransport)):
            self.tls_ms = round((time.monotonic() - begun) * 1000, 3)
        return sock

    def _encrypted(self, sock: Any, end: SplitResult) -> Any:
        assert self.context is not None
        self.phase = "connecting (TLS handshake)"
        name = (end.hostname or "").rstrip(".")
        if isinstance(sock, ssl.SSLSocket):
            return SSLTransport(sock, self.context, server_hostname=name)
        return self.context.wrap_socket(sock, server_hostname=name)

    def _tunnel(self, sock: Any, proxy: SplitResult) -> None:
        self.phase = TUNNEL
        place = join(*_place(self._far))
        headers = {"Host": place, **login(proxy, "Proxy-Authorization")}
        event = h11.Request(method="CONNECT", target=place, headers=list(headers.items()))
        state = h11.Connection(h11.CLIENT, MAX_HEADERS)
        sock.sendall(_encoded(state, event, b""))
        status = self._head(sock, state).status_code
        if not 200 <= status < 300:
            what = f"through the proxy {self.proxy}: Tunnel connection failed: {status}"
            raise self._gone("proxy-failed", what, phase=self.phase, peer=self.peer)
        self.is_through = True

    # ------------------------------------------------------------------ asking
    def _send(self, connection: Connection) -> None:
        self.phase = "sending the request"
        request, far, proxy = self.request, self._far, self.target.proxy_parts
        place = far.netloc.removesuffix(f":{PORTS[far.scheme]}")
        headers = ({} if "host" in request.headers else {"Host": place}) | dict(request.headers)
        wanted = request.path_url
        if proxy and far.scheme == "http":
            headers |= login(proxy, "Proxy-Authorization")
            wanted = str(request.url)
        lines = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        event = h11.Request(method=str(request.method), target=wanted, headers=lines)
        data = _encoded(connection.state, event, cast(bytes, request.body or b""))
        self.sent_at = time.time()
        connection.sock.settimeout(max(0.001, self.deadline.remaining()))
        try:
            connection.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # there may be a response all the same
        finally:
            self.sent = time.monotonic()

    def _receive(self, connection: Connection) -> None:
        self.phase = "waiting for an answer"
        sock, state, body, limit = connection.sock, connection.state, bytearray(), self.target.max_body
        head = self._head(sock, state)
        self.status = head.status_code
        for name, value in head.headers.raw_items():
            text, text_name = value.decode("latin-1"), name.decode("ascii")
            self.headers[text_name] = f"{self.headers[text_name]}, {text}" if text_name in self.headers else text
        if self.request.method != "HEAD" and int(self.headers.get("content-length", 0)) > limit:
            raise self.too_large()
        self.phase = "reading the body"
        while isinstance(event := self._event(sock, state), h11.Data):
            body += event.data
            if len(body) > limit:
                raise self.too_large()
        self.body = bytes(body)

    def _head(self, sock: Any, state: h11.Connection) -> h11.Response:
        for _ in range(MAX_INTERIM):
            event = self._event(sock, state)
            if isinstance(event, h11.Response):
                return event
        raise h11.RemoteProtocolError("too many interim responses")

    def _event(self, sock: Any, state: h11.Connection) -> Any:
        """The next event of h11; ConnectionResetError if the bytes end too early."""
        while (event := state.next_event()) is h11.NEED_DATA:
            sock.settimeout(max(0.001, self.deadline.remaining()))
            block = sock.recv(BLOCK)
            if self.deadline.expired:
                raise TimeoutError  # the socket was shut down, which looks like the end of the response
            if block and self.sent and not self.first_byte:
                self._note_first(block)
            state.receive_data(block)
            if not block:
                return self._last_event(state)
        return event

    def _note_first(self, block: bytes) -> None:
        self.first_byte, self.received_at = time.monotonic(), time.time()
        self.phase = "reading the headers"
        if not block.startswith(b"HTTP/"[: len(block)]):
            raise NotHttp("illegal status line")

    def _last_event(self, state: h11.Connection) -> Any:
        try:
            event = state.next_event()
        except h11.RemoteProtocolError:
            raise ConnectionResetError from None
        if isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError
        return event

    # ------------------------------------------------------------------ failing
    def failed(self, error: Exception) -> NoReading:
        """The NoReading for an error of a library, without values that may be secret."""
        kind, what = self._described(error)
        if self.proxy and self.phase.startswith("connecting") and not self.is_through:
            kind, what = "proxy-failed", f"through the proxy {self.proxy}: {what}"
        more = {"verify_code": str(error.verify_code)} if isinstance(error, ssl.SSLCertVerificationError) else {}
        return self._gone(kind, what, phase=self.phase, peer=self.peer, **more)

    def _described(self, error: Exception) -> tuple[str | None, str]:
        if self.deadline.expired or isinstance(error, TimeoutError):
            return "read-timeout", f"gave up after {time.monotonic() - self.begun:.1f} s while {self.phase}"
        if isinstance(error, CUT):
            return "connection-reset", f"the connection was closed while {self.phase}"
        if isinstance(error, ssl.SSLError):
            return "tls-failed", f"TLS failed: {openssl_words(error)}"
        if isinstance(error, h11.LocalProtocolError):
            return "bad-request", f"the request is not valid ({type(error).__name__})"
        if isinstance(error, h11.RemoteProtocolError):
            return "malformed-answer", _malformed(str(error))
        return None, f"failed while {self.phase} ({type(error).__name__})"

    def malformed(self, what: str) -> NoReading:
        return self._gone("malformed-answer", what)

    def too_large(self) -> NoReading:
        limit = self.target.max_body
        return self._gone("body-too-large", f"the body of the answer is larger than {limit} bytes", max_body=limit)

    def _gone(self, kind: str | None, what: str, **evidence: Any) -> NoReading:
        evidence = {"url": self.url, **evidence}
        return NoReading(self.target.resource, f"{self.url}: {what}", kind=kind, evidence=evidence)


def _place(end: SplitResult) -> tuple[str, int]:
    return end.hostname or "", end.port or PORTS[end.scheme]


def _encoded(state: h11.Connection, request: h11.Request, body: bytes) -> bytes:
    events = (request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage())
    return b"".join(state.send(event) or b"" for event in events)


def _malformed(words: str) -> str:
    """h11's words without the bytes that it quotes."""
    words = words.partition(": b")[0]
    if words == "illegal status line":
        return "the server does not speak HTTP"
    if words == "Receive buffer too long":
        words = f"the headers are longer than {MAX_HEADERS} bytes"
    return f"the answer is malformed: {words}"
