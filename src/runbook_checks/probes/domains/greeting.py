"""Make a TLS handshake with a domain's address, and send it one request.

h11 parses the response, as in probes.http.transport, unless it is a plain success or redirect: h11 for every domain
takes 14 % of a sweep's CPU time. The sockets are the sweep's own, since one thread serves thousands of them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h11

from runbook_checks.probes.domains.facts import Gone, Routed, shared
from runbook_checks.probes.net.event_loop import Overdue
from runbook_checks.probes.net.tls_context import openssl_words
from runbook_checks.probes.tls.handshake import chain_served, chain_verified

if TYPE_CHECKING:
    from runbook_checks.probes.net.event_loop import Loop

CHUNK = 16 * 1024
MAX_HANDSHAKE = 256 * 1024
MAX_HEAD = 32 * 1024
MAX_BODY = 8 * 1024  # an error's JSON is read, pages are not
# A well-formed head of a response whose body does not matter (RFC 9112, 4 and 5): its status and its headers.
PLAIN = re.compile(rb"HTTP/1\.[01] ([23]\d\d)(?: [^\r\n\0]*)?\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)*)\r\n")
LOCATION = re.compile(rb"^location:[ \t]*(.*?)[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
SENT = h11.Request(method="GET", target="/", headers=[("Host", "any"), ("Connection", "close")])
UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


class Lost(Exception):
    """The connection failed: kind and words."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.gone = Gone(kind, reason)


@dataclass(slots=True)
class Greeted:
    """A finished handshake, and the response to the request."""

    leaf: bytes
    verified: list[bytes]  # DER, the path that OpenSSL verified; empty if not verified
    chain: list[bytes]  # DER, as served; empty unless requested
    protocol: str
    routed: Routed | None
    unrouted: Gone | None


class Greeter:
    """One connection: TCP, TLS over memory buffers (a flight is one read), and one request."""

    def __init__(self, loop: Loop, sock: socket.socket, tls: ssl.SSLObject, arriving: Any, leaving: Any) -> None:
        self._loop, self._sock, self._tls = loop, sock, tls
        self._arriving, self._leaving = arriving, leaving
        self._received = 0

    async def shake(self) -> None:
        """Make the handshake; Lost if it fails, ssl.SSLCertVerificationError if the certificate does not verify."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLCertVerificationError:
                with contextlib.suppress(OSError, Lost):
                    await self._flush()  # send the alert
                raise
            except ssl.SSLError as error:
                raise Lost("tls-failed", f"the TLS handshake failed: {openssl_words(error)}") from None
            else:
                return  # the last flight is sent with the request

    async def request(self, wire: bytes) -> Routed:
        """Return status, redirect target, and the code of an error in JSON. A page's body is not read."""
        await self._send(wire)
        got = data = await self._read()
        while data and b"\r\n\r\n" not in got and len(got) <= MAX_HEAD:
            got += (data := await self._read())
        plain = PLAIN.match(got)
        return await self._parsed(got) if plain is None else _plainly_routed(int(plain[1]), plain[2])

    async def _parsed(self, got: bytes) -> Routed:
        """The same of any response that begins so."""
        state = h11.Connection(h11.CLIENT, MAX_HEAD)
        state.send(SENT)
        state.send(h11.EndOfMessage())
        state.receive_data(got)
        head, body = None, b""
        try:
            while len(body) < MAX_BODY:
                event = state.next_event()
                if event is h11.NEED_DATA:
                    state.receive_data(await self._read())
                elif isinstance(event, h11.Response):
                    head = event
                    if not _may_be_error(head):
                        break
                elif isinstance(event, h11.Data):
                    body += event.data
                elif not isinstance(event, h11.InformationalResponse):
                    break
        except h11.RemoteProtocolError:
            pass  # the head of a truncated response counts
        if head is None:
            raise Lost("malformed-answer", "the response to a request is not HTTP")
        return _routed(head, body)

    async def _send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def _read(self) -> bytes:
        while True:
            try:
                return self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self._fill()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                raise Lost("connection-reset", f"no response to a request: {openssl_words(error)}") from None

    async def _flush(self) -> None:
        data = self._leaving.read()
        while data:
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                await self._loop.pause()
            except OSError as error:
                raise _lost(error) from None

    async def _fill(self) -> None:
        while True:
            try:
                data = self._sock.recv(CHUNK)
            except BlockingIOError:
                await self._loop.pause()
                continue
            except OSError as error:
                raise _lost(error) from None
            if not data:
                raise Lost("connection-reset", "the connection was closed before a response")
            self._received += len(data)
            if self._received > MAX_HANDSHAKE:
                raise Lost("malformed-answer", f"the server sent more than {MAX_HANDSHAKE} bytes")
            self._arriving.write(data)
            return


async def greet(
    loop: Loop,
    address: str,
    port: int,
    name: str,
    context: ssl.SSLContext,
    wire: bytes,
    *,
    with_chain: bool = False,
) -> Greeted:
    """Connect to an address for a name, and send one request. Raises as Greeter.shake."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            await _connect(loop, sock, address, port)
        except Overdue:
            raise Lost("connect-timeout", "no response to the connection attempt in time") from None
        arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(arriving, leaving, server_hostname=name)
        greeter = Greeter(loop, sock, tls, arriving, leaving)
        try:
            await greeter.shake()
        except Overdue:
            raise Lost("read-timeout", "the TLS handshake timed out") from None
        leaf = tls.getpeercert(binary_form=True) or b""
        served = chain_served(tls) if with_chain else []
        greeted = Greeted(leaf, chain_verified(tls), served, tls.version() or "", None, None)
        try:
            greeted.routed = await greeter.request(wire)
        except Lost as lost:
            greeted.unrouted = lost.gone
        except Overdue:
            greeted.unrouted = Gone("read-timeout", "no response to a request in time")
        return greeted


async def _connect(loop: Loop, sock: socket.socket, address: str, port: int) -> None:
    loop.watch(sock)
    code = sock.connect_ex((address, port))
    if code == errno.EINPROGRESS:
        await loop.pause()
        while (code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) == 0 and not _is_connected(sock):
            await loop.pause()
    if code:
        raise _lost(OSError(code, errno.errorcode.get(code, "")))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _lost(error: OSError) -> Lost:
    if error.errno == errno.ECONNREFUSED:
        return Lost("connection-refused", "the connection was refused")
    if error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return Lost("connection-reset", "the connection was reset")
    if error.errno in (*UNREACHABLE, errno.ETIMEDOUT):
        return Lost("connect-timeout", "the address is unreachable")
    return Lost("not-connected", f"the connection failed ({errno.errorcode.get(error.errno or 0, 'unknown reason')})")


def _may_be_error(head: h11.Response) -> bool:
    """Return whether the body may be an error in JSON."""
    kind = _header(head, b"content-type") or ""
    return 400 <= head.status_code < 600 and kind.lower().startswith("application/")


def _plainly_routed(status: int, headers: bytes) -> Routed:
    location = LOCATION.search(headers) if status >= 300 else None
    return shared(Routed(status, None, location[1].decode("latin-1") if location else None))


def _routed(head: h11.Response, body: bytes) -> Routed:
    status = head.status_code
    location = _header(head, b"location") if 300 <= status < 400 else None
    return shared(Routed(status, _code(body) if status >= 400 else None, location))


def _header(head: h11.Response, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in head.headers if name == wanted), None)


def _code(body: bytes) -> str | None:
    """Return the error code of a JSON body: its `code`, or that of its `error` or `detail`."""
    try:
        found = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    except (ValueError, RecursionError):
        return None
    for place in (found, found.get("error"), found.get("detail")) if isinstance(found, dict) else ():
        code = place.get("code") if isinstance(place, dict) else None
        if isinstance(code, str):
            return code[:80]
    return None
