"""A name server with configurable answers: slow, wrong, by TCP only, or none."""

from __future__ import annotations

import contextlib
import struct
import threading
import time
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.misbehaving.bothports import BothPorts

Message = dns.message.Message
Rule = Callable[[Message, Message, bool], bytes | None]


class Nameserver(BothPorts):
    """UDP and TCP on one port. A rule gets the query, the prepared answer and whether it came by TCP."""

    def __init__(self, zone: dict[str, list[str]], rule: Rule | None = None, delay_s: float = 0) -> None:
        self._zone = zone
        self._rule = rule or plainly
        self.delay_s = delay_s
        self.queries: list[str] = []
        super().__init__()

    def _by_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, sender = self._udp.recvfrom(65535)
                if wire:
                    threading.Thread(target=self._reply_udp, args=(wire, sender), daemon=True).start()

    def _reply_udp(self, wire: bytes, sender: tuple[str, int]) -> None:
        reply = self._answer(wire, by_tcp=False)
        with contextlib.suppress(OSError):
            if reply is not None:
                self._udp.sendto(reply, sender)

    def _by_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._tcp.accept()
                with sock, sock.makefile("rb") as stream:
                    size = struct.unpack("!H", stream.read(2))[0]
                    reply = self._answer(stream.read(size), by_tcp=True)
                    if reply is not None:
                        sock.sendall(struct.pack("!H", len(reply)) + reply)

    def _answer(self, wire: bytes, *, by_tcp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        kind = question.rdtype.name
        self.queries.append(f"{question.name} {kind}{' TCP' if by_tcp else ''}")
        time.sleep(self.delay_s)
        answer = dns.message.make_response(query)
        self._fill(answer, question.name.to_text().rstrip(".").lower(), kind)
        return self._rule(query, answer, by_tcp)

    def _fill(self, answer: Message, name: str, kind: str) -> None:
        if name not in self._zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for data in self._zone.get(name, []):
            if data.startswith("->"):
                alias = data[2:]
                answer.answer.append(dns.rrset.from_text(name + ".", 0, "IN", "CNAME", alias + "."))
                if alias in self._zone and alias != name and len(answer.answer) < 20:
                    self._fill(answer, alias, kind)
            elif kind == ("AAAA" if ":" in data else "A"):
                answer.answer.append(dns.rrset.from_text(name + ".", 0, "IN", kind, data))


def plainly(query: Message, answer: Message, by_tcp: bool) -> bytes:
    return answer.to_wire()


def silently(query: Message, answer: Message, by_tcp: bool) -> None:
    return None


def failing(rcode: dns.rcode.Rcode) -> Rule:
    def rule(query: Message, answer: Message, by_tcp: bool) -> bytes:
        refused = dns.message.make_response(query)
        refused.set_rcode(rcode)
        return refused.to_wire()

    return rule


def truncated(query: Message, answer: Message, by_tcp: bool) -> bytes:
    if by_tcp:
        return answer.to_wire()
    cut = dns.message.make_response(query)
    cut.flags |= dns.flags.TC
    return cut.to_wire()


def garbled(query: Message, answer: Message, by_tcp: bool) -> bytes:
    return b"\x00\x01garbage"


def for_another_query(query: Message, answer: Message, by_tcp: bool) -> bytes:
    answer.id = (answer.id + 1) % 65536
    return answer.to_wire()


def only(kind: str) -> Rule:
    """Answers queries of one type and ignores the others."""

    def rule(query: Message, answer: Message, by_tcp: bool) -> bytes | None:
        return answer.to_wire() if query.question[0].rdtype.name == kind else None

    return rule


def without_targets(query: Message, answer: Message, by_tcp: bool) -> bytes:
    """An authoritative server returns the CNAME without its target's records."""
    if answer.answer and answer.answer[0].rdtype.name == "CNAME":
        answer.answer = answer.answer[:1]
        answer.set_rcode(dns.rcode.NOERROR)
    return answer.to_wire()
