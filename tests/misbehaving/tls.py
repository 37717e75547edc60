"""TLS servers: one that works with any certificate, and some that never complete a handshake."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from tests.misbehaving.server import Handler, Visit, misbehaves

HELLO_RECORD = b"\x16\x03\x03"
FATAL_ALERT = b"\x15\x03\x03\x00\x02\x02"


def serving(cert: str, key: str, then: Handler | None = None, **settings: object) -> Handler:
    """Complete the handshake with this certificate, then continue with another handler."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(cert, key)
    for name, value in settings.items():
        setattr(context, name, value)

    def handle(visit: Visit) -> None:
        with context.wrap_socket(visit.sock, server_side=True) as secured:
            visit.sock = secured
            (then or Visit.stay_silent)(visit)

    return handle


def wanting_name(cert: str, key: str, wanted: str) -> Handler:
    """Refuses a client that does not request the right name (alert unrecognized_name)."""

    def choose(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
        return None if name == wanted else int(ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)

    return serving(cert, key, sni_callback=choose)


def front(cert: str, key: str) -> Callable[[Handler], Handler]:
    return lambda handler: serving(cert, key, handler)


@misbehaves("tls.silent")
def silent(visit: Visit) -> None:
    visit.stay_silent()


@misbehaves("tls.stalls-after-hello")
def stalls_after_hello(visit: Visit) -> None:
    visit.sock.recv(4096)
    visit.say(HELLO_RECORD + b"\x00\x7a\x02\x00\x00\x76")
    visit.stay_silent()


@misbehaves("tls.drips")
def drips(visit: Visit) -> None:
    visit.sock.recv(4096)
    visit.drip(HELLO_RECORD + b"\x40\x00" + b"\x02\x00\x3f\xfc" + b"\x03\x03" + b"x" * 16000)


@misbehaves("tls.plain-http")
def plain_http(visit: Visit) -> None:
    visit.sock.recv(4096)
    visit.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@misbehaves("tls.garbage")
def garbage(visit: Visit) -> None:
    visit.sock.recv(4096)
    visit.say(b"\x00\xff\xfe garbage")
    visit.stay_silent(0.5)


@misbehaves("tls.alert")
def alert(visit: Visit) -> None:
    visit.sock.recv(4096)
    visit.say(FATAL_ALERT + b"\x28")  # handshake_failure


@misbehaves("tls.resets")
def resets(visit: Visit) -> None:
    visit.sock.recv(4096)
    visit.reset()


@misbehaves("tls.half-closed")
def half_closed(visit: Visit) -> None:
    visit.sock.recv(4096)
    visit.sock.shutdown(socket.SHUT_WR)
    visit.stay_silent(5)


@misbehaves("tls.endless")
def endless(visit: Visit) -> None:
    """One handshake message of sixteen megabytes, then the next."""
    visit.sock.recv(4096)
    while True:
        visit.say(HELLO_RECORD + b"\x40\x00" + b"\x02\xff\xff\xff" + b"x" * 16380)
        visit.say((HELLO_RECORD + b"\x40\x00" + b"x" * 16384) * 64)


@misbehaves("tls.closes")
def closes(visit: Visit) -> None:
    visit.sock.recv(4096)
