"""A proxy in front of a healthy service that changes each of its JSON responses in one place."""

from __future__ import annotations

import json
import re
import socket
import ssl
import zlib
from typing import Any
from urllib.parse import urlsplit

from tests.fuzz.fuzz import ABSENT, ODD, places, put, written
from tests.misbehaving.server import Handler, Visit

MAX_ANSWER = 4 << 20


def field_changer(url: str, number: int) -> Handler:
    """`number` selects the place in a document and the new value."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)

    def handle(visit: Visit) -> None:
        asked = visit.request()
        if not asked:
            return
        line = asked.split(b"\r\n", 1)[0]
        asked = re.sub(rb"(?im)^host:.*$", b"Host: " + parts.netloc.encode() + b"\r", asked, count=1)
        asked = re.sub(rb"(?im)^connection:.*$", b"Connection: close\r", asked, count=1)
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            far = _unverified().wrap_socket(plain, server_hostname=parts.hostname) if parts.scheme == "https" else plain
            with far:
                far.sendall(asked)
                visit.say(_twisted(_whole(far), number + zlib.crc32(line.split(b"?")[0])))

    return handle


def _unverified() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def _whole(far: socket.socket) -> bytes:
    """Read up to the end of the connection, or to the length in the header."""
    got = b""
    while len(got) < MAX_ANSWER:
        head, is_there, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if is_there and length and len(body) >= int(length[1]):
            return got
        block = far.recv(65536)
        if not block:
            return got
        got += block
    return got


def _twisted(answer: bytes, number: int) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    document: Any = None
    if re.search(rb"(?i)\r\ncontent-length:", head):
        try:
            document = json.loads(body)
        except ValueError:
            return answer
    if not isinstance(document, dict | list):
        return answer
    everywhere, odd = list(places(document)), (*ODD, ABSENT)
    made = written(put(document, everywhere[number % len(everywhere)], odd[number // 7 % len(odd)]))
    head = re.sub(rb"(?im)^content-length:.*$", b"Content-Length: %d\r" % len(made), head + b"\r\n").rstrip(b"\r\n")
    return head + b"\r\n\r\n" + made
