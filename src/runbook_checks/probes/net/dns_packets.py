"""Write and read DNS packets (RFC 1035) of the few types that are queried.

Written by hand: the 2,000 queries of a sweep over 1,000 domains take 19 ms of CPU time, and 325 ms with dnspython, of a
sweep of 0.7 s.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass, field

ROOT = "."
A, NS, CNAME, SOA, TXT, AAAA, OPT = 1, 2, 5, 6, 16, 28, 41
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5
RCODES = {FORMERR: "FORMERR", SERVFAIL: "SERVFAIL", NXDOMAIN: "NXDOMAIN", NOTIMP: "NOTIMP", REFUSED: "REFUSED"}
HEADER = struct.Struct("!6H")
FIXED = struct.Struct("!HHIH")  # of a record: type, class, TTL, length
TRUNCATED, RECURSE = 0x0200, 0x0100
PAYLOAD = 1232  # the size of an answer that passes unfragmented everywhere (DNS flag day 2020)
EDNS = b"\0" + FIXED.pack(OPT, PAYLOAD, 0, 0)  # RFC 6891, 6.1.2
MAX_RECORDS = 256
MAX_NAME = 255


class NoPacket(ValueError):
    """The bytes are not a DNS answer that can be parsed."""


@dataclass(slots=True)
class Packet:
    """The parts of an answer that a sweep needs."""

    rcode: int
    is_truncated: bool
    aliases: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)  # by owner, of the queried type
    zone: str | None = None  # the owner of the SOA record in a negative answer


def name_wire(name: str) -> bytes:
    """Encode a name of ASCII labels; ValueError if it is not a valid name."""
    if name == ROOT:
        return b"\0"
    parts = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    if any(not 0 < len(part) < 64 for part in parts):
        raise ValueError(f"{name!r} has an empty label or one of more than 63 characters")
    wire = b"".join(bytes((len(part),)) + part for part in parts) + b"\0"
    if len(wire) > MAX_NAME:
        raise ValueError(f"{name[:40]!r}... has more than 253 characters")
    return wire


def shuffled(wire: bytes) -> bytes:
    """Return the same name in random case: an answer must repeat it, so a forged one must guess it (0x20)."""
    bits = int.from_bytes(os.urandom(len(wire) // 8 + 1), "big")
    mixed = bytearray(wire)
    for place, byte in enumerate(wire):
        if (65 <= byte <= 90 or 97 <= byte <= 122) and bits >> place & 1:
            mixed[place] = byte ^ 0x20
    return bytes(mixed)


def question(name: bytes, kind: int) -> bytes:
    return name + kind.to_bytes(2, "big") + b"\0\x01"


def packed(ident: int, asked: bytes, *, recurse: bool = True, edns: bool = True) -> bytes:
    head = HEADER.pack(ident, RECURSE if recurse else 0, 1, 0, 0, 1 if edns else 0)
    return head + asked + (EDNS if edns else b"")


def read(wire: bytes, asked: bytes) -> Packet:
    """Parse the answer to that question (name, type and class as in the packet); NoPacket if that fails."""
    try:
        _, flags, _, answers, authorities, _ = HEADER.unpack_from(wire)
        packet = Packet(flags & 0xF, bool(flags & TRUNCATED))
        if not packet.is_truncated:
            kind = int.from_bytes(asked[-4:-2], "big")
            _read_records(wire, 12 + len(asked), min(answers, MAX_RECORDS), authorities, kind, packet)
    except (struct.error, IndexError, OSError, ValueError) as error:
        raise NoPacket(str(error)) from None
    return packet


def _read_records(wire: bytes, at: int, answers: int, authorities: int, kind: int, packet: Packet) -> None:
    for number in range(answers + min(authorities, 8)):
        owner, at = _name(wire, at)
        found, _, _, size = FIXED.unpack_from(wire, at)
        at += 10
        end = at + size
        if end > len(wire):
            raise NoPacket("a record ends beyond the packet")
        if number >= answers:
            if found == SOA:
                packet.zone = owner
        elif found == CNAME and kind != CNAME:
            packet.aliases[owner] = _name(wire, at)[0]
        elif found == kind:
            packet.values.setdefault(owner, []).append(_value(wire, at, end, kind))
        at = end


def _value(wire: bytes, at: int, end: int, kind: int) -> str:
    if kind in (A, AAAA):
        return socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, wire[at:end])
    return _text(wire, at, end) if kind == TXT else _name(wire, at)[0]


def _text(wire: bytes, at: int, end: int) -> str:
    """Join the strings of one TXT record: texts of more than 255 bytes are split (RFC 7208, 3.3)."""
    parts = []
    while at < end:
        size = wire[at]
        if at + 1 + size > end:
            raise NoPacket("a string ends beyond its record")
        parts.append(wire[at + 1 : at + 1 + size])
        at += 1 + size
    return b"".join(parts).decode("utf-8", "replace")


def _name(wire: bytes, at: int) -> tuple[str, int]:
    """Return a name in lower case and the next position. Pointers may only point backwards, so there is no loop."""
    labels: list[str] = []
    after, lowest, size = 0, at, 0
    while (length := wire[at]) != 0:
        if length >= 0xC0:
            target = (length & 0x3F) << 8 | wire[at + 1]
            after = after or at + 2
            if target >= lowest:
                raise NoPacket("a compressed name points forward")
            at = lowest = target
            continue
        if length >= 64:
            raise NoPacket("a label of an unknown type")
        size += length + 1
        if size >= MAX_NAME or at + 1 + length > len(wire):
            raise NoPacket("a name that is too long or incomplete")
        label = wire[at + 1 : at + 1 + length].replace(b".", b"\\.")  # or one label could pass for several
        labels.append(label.decode("ascii", "backslashreplace").lower())
        at += length + 1
    return ".".join(labels), after or at + 1
