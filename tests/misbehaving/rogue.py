"""A name server whose bytes are all configurable: forged, truncated, modified, late or missing answers."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable, Iterable

import dns.message
import dns.rcode
import dns.rrset

from tests.misbehaving.bothports import BothPorts

Zone = dict[tuple[str, str], list[str]]
# The packets sent over UDP for a query, in order, given the query and the true answer.
Rule = Callable[[dns.message.Message, dns.message.Message], Iterable[bytes]]


class Rogue(BothPorts):
    """UDP and TCP on one port.

    Names without a rule get the true answer at once. TCP always returns it, unless `by_tcp` returns other pieces for
    it.
    """

    def __init__(self, zone: Zone, rules: dict[str, Rule] | None = None) -> None:
        self.zone, self.rules = zone, rules or {}
        self.asked: list[tuple[str, str]] = []
        self.by_tcp: Callable[[bytes], list[bytes]] = lambda answer: [answer]
        super().__init__()

    def _by_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, sender = self._udp.recvfrom(65535)
                if wire:
                    for answer in self._answers(wire):
                        self._udp.sendto(answer, sender)

    def _answers(self, wire: bytes) -> Iterable[bytes]:
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text().rstrip(".").lower()
        self.asked.append((name, query.question[0].rdtype.name))
        truth = self._truth(query, name)
        return self.rules[name](query, truth) if name in self.rules else [truth.to_wire()]

    def _truth(self, query: dns.message.Message, name: str) -> dns.message.Message:
        answer = dns.message.make_response(query)
        kind = query.question[0].rdtype.name
        if not any(owner == name for owner, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        while kind != "CNAME" and (name, "CNAME") in self.zone and len(answer.answer) < 20:
            target = self.zone[name, "CNAME"][0]
            answer.answer.append(dns.rrset.from_text(name + ".", 0, "IN", "CNAME", target + "."))
            name = target
        for value in self.zone.get((name, kind), []):
            written = f"{value}." if kind in ("CNAME", "NS") else value
            answer.answer.append(dns.rrset.from_text(name + ".", 0, "IN", kind, written))
        return answer

    def _by_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._tcp.accept()
                with sock, sock.makefile("rb") as stream, contextlib.suppress(OSError, struct.error):
                    query = dns.message.from_wire(stream.read(struct.unpack("!H", stream.read(2))[0]))
                    name = query.question[0].name.to_text().rstrip(".").lower()
                    self.asked.append((name, f"{query.question[0].rdtype.name} TCP"))
                    reply = self._truth(query, name).to_wire(max_size=65535)
                    for piece in self.by_tcp(struct.pack("!H", len(reply)) + reply):
                        sock.sendall(piece)
                        time.sleep(0.02)
