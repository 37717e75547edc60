"""Packets of a MySQL server.

The protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
"""

from __future__ import annotations

import hashlib
import ssl
import struct
from dataclasses import dataclass, field

from tests.misbehaving.server import Visit

# CLIENT_ flags: long password, connect with db, protocol 41, transactions, secure connection, plugin auth
CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
TLS = 0x800
SALT = b"12345678" + b"abcdefghijkl"
OK = b"\0\0\0\x02\0\0\0"
EOF = b"\xfe\0\0\x02\0"
COM_QUERY = 3


def packet(sequence: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence % 256]) + payload


def greeting(version: str = "8.4.3", plugin: str = "caching_sha2_password", *, tls: bool = False) -> bytes:
    flags = CAPABILITIES | (TLS if tls else 0)
    return packet(
        0,
        b"\x0a" + version.encode() + b"\0" + struct.pack("<I", 77) + SALT[:8] + b"\0"
        + struct.pack("<H", flags & 0xFFFF) + b"\xff" + struct.pack("<H", 2) + struct.pack("<H", flags >> 16)
        + bytes([len(SALT) + 1]) + bytes(10) + SALT[8:] + b"\0" + plugin.encode() + b"\0",
    )  # fmt: skip


def refusal(sequence: int, number: int, words: str, state: str = "HY000") -> bytes:
    return packet(sequence, b"\xff" + struct.pack("<H", number) + f"#{state}{words}".encode())


def received(visit: Visit) -> tuple[int, bytes]:
    """Return a packet's number and payload."""
    head = visit.exactly(4)
    return head[3], visit.exactly(int.from_bytes(head[:3], "little"))


def text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def columns(*names: str) -> list[bytes]:
    """Return the packets before the rows."""
    reported = [
        text("def")
        + text("") * 2
        + text("t")
        + text(name) * 2
        + b"\x0c"
        + struct.pack("<HIBHB", 45, 80, 0xFD, 0, 0)
        + b"\0\0"
        for name in names
    ]
    return [bytes([len(names)]), *reported, EOF]


def rows_of(names: tuple[str, ...], *rows: tuple[str, ...]) -> bytes:
    parts = [*columns(*names), *(b"".join(map(text, row)) for row in rows), EOF]
    return b"".join(packet(number, part) for number, part in enumerate(parts, 1))


@dataclass
class Sha2Server:
    """Authenticates with caching_sha2_password. Its cache is empty at first, so it asks for the password itself."""

    password: str
    tls: ssl.SSLContext | None = None
    is_cached: bool = False
    statements: list[str] = field(default_factory=list)
    secrets_seen: list[bytes] = field(default_factory=list)

    def __call__(self, visit: Visit) -> None:
        visit.say(greeting(tls=self.tls is not None))
        number, answer = received(visit)
        if self.tls is not None and len(answer) == 32:
            visit.sock = self.tls.wrap_socket(visit.sock, server_side=True)
            number, answer = received(visit)
        if self._signed_in(visit, number, answer):
            self._answer(visit)

    def _signed_in(self, visit: Visit, number: int, answer: bytes) -> bool:
        if self.is_cached and self._scramble() in answer:
            visit.say(packet(number + 1, b"\x01\x03"), packet(number + 2, OK))
            return True
        visit.say(packet(number + 1, b"\x01\x04"))
        number, answer = received(visit)
        if answer == b"\x02":  # asks for our public key
            visit.say(packet(number + 1, b"\x01-----BEGIN PUBLIC KEY-----\n"))
            number, answer = received(visit)
        self.secrets_seen.append(answer)
        is_right = answer == self.password.encode() + b"\0"
        visit.say(packet(number + 1, OK) if is_right else refusal(number + 1, 1045, "Access denied for user 'm'@'h'"))
        return is_right

    def _scramble(self) -> bytes:
        """XOR(SHA256(password), SHA256(SHA256(SHA256(password)) + salt))"""
        once = hashlib.sha256(self.password.encode()).digest()
        mask = hashlib.sha256(hashlib.sha256(once).digest() + SALT).digest()
        return bytes(a ^ b for a, b in zip(once, mask, strict=True))

    def _answer(self, visit: Visit) -> None:
        while True:
            _, asked = received(visit)
            if asked[:1] != bytes([COM_QUERY]):
                return
            statement = asked[1:].decode()
            self.statements.append(statement)
            is_select = statement.lstrip().upper().startswith("SELECT")
            visit.say(rows_of(("one",), ("1",)) if is_select else packet(1, OK))
