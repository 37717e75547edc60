"""What does a domain's address serve: does it shake hands, with which certificate, and where does a request end up?"""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.domains.facts import Gone, Routed, shared
from runbook_checks.probes.domains.loop import Overdue
from runbook_checks.probes.net.tls_context import openssl_words
from runbook_checks.probes.tls.handshake import chain_served

if TYPE_CHECKING:
    from runbook_checks.probes.domains.loop import Loop

CHUNK = 16 * 1024
MAX_HANDSHAKE = 256 * 1024
MAX_HEAD = 32 * 1024
MAX_BODY = 8 * 1024  # an error's JSON is looked at, pages are not
UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


class Lost(Exception):
    """The connection came to nothing: kind and words."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.gone = Gone(kind, reason)


@dataclass(slots=True)
class Greeted:
    """A finished handshake, and what came back to the request."""

    leaf: bytes
    chain: list[bytes]  # DER, as served; empty unless asked for
    protocol: str
    routed: Routed | None
    unrouted: Gone | None


class Greeter:
    """One connection: TCP, TLS over memory buffers (a flight is one read), one request, and that is all."""

    def __init__(self, loop: Loop, sock: socket.socket, tls: ssl.SSLObject, arriving: Any, leaving: Any) -> None:
        self._loop, self._sock, self._tls = loop, sock, tls
        self._arriving, self._leaving = arriving, leaving
        self._received = 0

    async def shake(self) -> None:
        """Lost where there is no handshake; ssl.SSLCertVerificationError where the certificate doesn't verify."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLCertVerificationError:
                with contextlib.suppress(OSError, Lost):
                    await self._flush()  # the alert that says so
                raise
            except ssl.SSLError as error:
                raise Lost("tls-failed", f"the TLS handshake failed: {openssl_words(error)}") from None
            else:
                return  # what is left to be sent goes with the request

    async def request(self, wire: bytes) -> Routed:
        """The status, and the code of an error told in JSON."""
        self._tls.write(wire)
        await self._flush()
        got = b""
        while True:
            try:
                data = self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self._fill()
                continue
            except ssl.SSLZeroReturnError:
                data = b""
            except ssl.SSLError as error:
                raise Lost("connection-reset", f"no answer to a request: {openssl_words(error)}") from None
            got += data
            head, is_whole, body = got.partition(b"\r\n\r\n")
            if is_whole and (not data or _is_enough(head, body)):
                return _routed(head, body)
            if not data or len(got) > MAX_HEAD:
                raise Lost("malformed-answer", "what answered a request is no HTTP")

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
                raise Lost("connection-reset", "the connection was closed before an answer was there")
            self._received += len(data)
            if self._received > MAX_HANDSHAKE:
                raise Lost("malformed-answer", f"more than {MAX_HANDSHAKE} bytes came, and no end of them")
            self._arriving.write(data)
            return


async def greet(
    loop: Loop, address: str, port: int, name: str, context: ssl.SSLContext, wire: bytes, *, with_chain: bool = False
) -> Greeted:
    """One connection to an address for a name. Raises as Greeter.shake."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            await _connect(loop, sock, address, port)
        except Overdue:
            raise Lost("connect-timeout", "no answer to the connection attempt in time") from None
        arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(arriving, leaving, server_hostname=name)
        greeter = Greeter(loop, sock, tls, arriving, leaving)
        try:
            await greeter.shake()
        except Overdue:
            raise Lost("read-timeout", "the TLS handshake was not over in time") from None
        leaf = tls.getpeercert(binary_form=True) or b""
        greeted = Greeted(leaf, chain_served(tls) if with_chain else [], tls.version() or "", None, None)
        try:
            greeted.routed = await greeter.request(wire)
        except Lost as lost:
            greeted.unrouted = lost.gone
        except Overdue:
            greeted.unrouted = Gone("read-timeout", "no answer to a request in time")
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
        return Lost("connect-timeout", "the address can't be reached")
    return Lost("not-connected", f"the connection failed ({errno.errorcode.get(error.errno or 0, 'no reason told')})")


def _is_enough(head: bytes, body: bytes) -> bool:
    """Whether what is there tells all that is looked at: of a failure's JSON the body, of all else the head."""
    lower = head.lower()
    if head[9:10] not in (b"4", b"5") or b"\r\ncontent-type: application/" not in lower:
        return True
    at = lower.find(b"\r\ncontent-length:")
    length = lower[at + 17 :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""
    return len(body) >= min(int(length) if length.isdigit() and len(length) < 9 else MAX_BODY, MAX_BODY)


def _routed(head: bytes, body: bytes) -> Routed:
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit() or len(words[1]) != 3:
        raise Lost("malformed-answer", "what answered a request is no HTTP")
    status = int(words[1])
    location = None
    if 300 <= status < 400:
        fields = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        location = next((v.strip().decode("latin-1") for n, _, v in fields if n.lower() == b"location"), None)
    return shared(Routed(status, _code(body) if status >= 400 else None, location))


def _code(body: bytes) -> str | None:
    """The error code of a JSON body: its `code`, or that of its `error`."""
    try:
        found = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    except (ValueError, RecursionError):
        return None
    for place in (found, found.get("error"), found.get("detail")) if isinstance(found, dict) else ():
        code = place.get("code") if isinstance(place, dict) else None
        if isinstance(code, str):
            return code[:80]
    return None
