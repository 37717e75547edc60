"""Send one query or thousands to a name server, without losing answers or accepting forged ones.

One UDP socket for each server. An answer counts if it comes from the server's address with the id and the question of
the query, case included (RFC 5452, 9; draft-vixie-dnsext-dns0x20). Truncated answers, and those in another case, are
queried again by TCP (RFC 7766). Unanswered queries are repeated at growing intervals (RFC 1035, 4.2.1).
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runbook_checks.probes.net import dns_packets as packets
from runbook_checks.probes.net.event_loop import Overdue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.probes.net.dns_packets import Packet
    from runbook_checks.probes.net.event_loop import Loop, Task, Timer

Server = tuple[str, int]
Said = Literal["there", "no-such-name", "no-such-record", "server-failure", "timeout"]

RESEND_S = (1.0, 2.0, 4.0, 8.0)
RECEIVE_BUFFER = 4 << 20
AT_ONCE = 192  # a default receive buffer holds about 277 small answers
COOL_S = 0.3  # later answers arrive slowly, and cannot overflow the buffer
MAX_DATAGRAM = 65535
MAX_ALIASES = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of name servers to one query."""

    said: Said
    values: tuple[str, ...] = ()  # texts, addresses or names, as queried
    aliases: tuple[str, ...] = ()  # the CNAMEs on the way, in order
    is_loop: bool = False  # CNAME loop, or too many aliases
    words: str = ""  # such as "SERVFAIL", if the name server failed
    zone: str | None = None  # the zone that a negative answer names
    beside: tuple[str, ...] = ()  # records at a name that is an alias as well, which RFC 1034, 3.6.2 forbids


class Asked:
    """One query in progress."""

    __slots__ = ("attempts", "ident", "is_cool", "is_slow", "packet", "task", "timer", "wants_tcp", "wire")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ident = 0
        self.wire = b""
        self.attempts = 0
        self.packet: Packet | None = None
        self.wants_tcp = False
        self.is_cool = False
        self.timer: Timer | None = None

    @property
    def question(self) -> bytes:
        """Name, type and class as in the packet."""
        return self.wire[12 : 12 + self.wire.index(0, 12) - 12 + 5]


class NameServer:
    """One name server; answers wake the task that queried.

    is_single  for a single name: queries without EDNS and random case, and a closed port ends them at once
    """

    def __init__(self, loop: Loop, server: Server, *, recurse: bool = True, is_single: bool = False) -> None:
        self._loop, self.server, self.recurses, self._is_single = loop, server, recurse, is_single
        self._open: dict[int, Asked] = {}
        self._waiting: deque[Asked] = deque()
        self._hot = 0
        self._idents: Iterator[int] = iter(())
        self.questions = self.answers = 0
        self.is_closed_port = False
        self._sock = socket.socket(_family(server), socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._sock.connect(server)  # only this server's packets are received, and a closed port is reported
        loop.watch(self._sock, self._receive)

    def close(self) -> None:
        self._sock.close()

    @property
    def where(self) -> str:
        return f"{self.server[0]}:{self.server[1]}" if ":" not in self.server[0] else "[{}]:{}".format(*self.server)

    def ask(self, name: str, kind: int) -> Asked:
        """Send a query for the running task, which `answer` then waits for; ValueError for an invalid name."""
        assert self._loop.running
        asked = Asked(self._loop.running)
        written = packets.name_wire(name)
        wire = packets.question(written if self._is_single else packets.shuffled(written), kind)
        asked.ident = self._free_ident()
        asked.wire = packets.packed(asked.ident, wire, recurse=self.recurses, edns=not self._is_single)
        self._open[asked.ident] = asked
        if self._hot < AT_ONCE:
            self._send(asked)
        else:
            self._waiting.append(asked)
        return asked

    async def answer(self, asked: Asked) -> Packet | None:
        """Return the answer, or None if the task's limit passed before."""
        try:
            while asked.packet is None and not (self._is_single and self.is_closed_port):
                if asked.wants_tcp:
                    asked.wants_tcp = False
                    asked.packet = await self._by_tcp(asked)
                    if asked.packet is not None:
                        break
                await self._loop.pause()
        except Overdue:
            return None
        finally:
            self._forget(asked)
        return asked.packet

    def _free_ident(self) -> int:
        while True:
            for ident in self._idents:
                if ident not in self._open:
                    return ident
            random = os.urandom(1024)
            self._idents = iter([random[n] << 8 | random[n + 1] for n in range(0, len(random), 2)])

    def _send(self, asked: Asked) -> None:
        if asked.ident not in self._open:
            return
        if asked.attempts == 0:
            self._hot += 1
            self.questions += 1
            asked.timer = self._loop.call_at(time.monotonic() + COOL_S, lambda: self._cool(asked))
        else:
            wait = RESEND_S[min(asked.attempts, len(RESEND_S) - 1)]
            asked.timer = self._loop.call_at(time.monotonic() + wait, lambda: self._send(asked))
        asked.attempts += 1
        try:
            self._sock.send(asked.wire)
        except ConnectionRefusedError:
            self.is_closed_port = True
        except OSError:
            pass  # like a lost packet

    def _cool(self, asked: Asked) -> None:
        self._release(asked)
        asked.timer = self._loop.call_at(time.monotonic() + RESEND_S[0] - COOL_S, lambda: self._send(asked))

    def _release(self, asked: Asked) -> None:
        if asked.attempts and not asked.is_cool:
            asked.is_cool = True
            self._hot -= 1
        while self._waiting and self._hot < AT_ONCE:
            self._send(self._waiting.popleft())

    def _forget(self, asked: Asked) -> None:
        self._open.pop(asked.ident, None)
        if asked.timer:
            self._loop.cancel(asked.timer)
            asked.timer = None
        self._release(asked)

    def _receive(self) -> None:
        while True:
            try:
                wire = self._sock.recv(MAX_DATAGRAM)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                self.is_closed_port = True
                for refused in self._open.values():
                    refused.task.wake()
                continue
            except OSError:
                return
            if len(wire) >= 12 and wire[2] & 0x80:
                asked = self._open.get(wire[0] << 8 | wire[1])
                if asked is not None and asked.packet is None:
                    self._take(asked, wire)

    def _take(self, asked: Asked, wire: bytes) -> None:
        """Take an answer. One that is malformed or for another question is ignored: the real one may follow."""
        question = asked.question
        repeated = wire[12 : 12 + len(question)]
        if repeated.lower() != question.lower():
            return
        if repeated != question and not self._is_single:
            asked.wants_tcp = True  # the case differs: TCP answers cannot be forged remotely
        else:
            try:
                packet = packets.read(wire, question)
            except packets.NoPacket:
                return
            if packet.rcode in (packets.FORMERR, packets.NOTIMP) and asked.wire.endswith(packets.EDNS):
                # A server without EDNS (RFC 6891, 7): repeat the query without it.
                asked.wire = packets.packed(asked.ident, question, recurse=self.recurses, edns=False)
                with contextlib.suppress(OSError):  # like a lost packet
                    self._sock.send(asked.wire)
                return
            if packet.is_truncated:
                asked.wants_tcp = True
            else:
                asked.packet = packet
        self.answers += 1
        asked.task.wake()

    async def _by_tcp(self, asked: Asked) -> Packet | None:
        """Send the same query by TCP; None if that fails, and UDP continues."""
        with contextlib.suppress(OSError, packets.NoPacket), socket.socket(_family(self.server)) as sock:
            sock.setblocking(False)
            sock.connect_ex(self.server)
            self._loop.watch(sock)
            await self._loop.pause()
            return await self._converse(sock, asked)
        return None

    async def _converse(self, sock: socket.socket, asked: Asked) -> Packet | None:
        to_send, got = len(asked.wire).to_bytes(2, "big") + asked.wire, b""
        question = asked.question
        while len(got) < 2 or len(got) < 2 + int.from_bytes(got[:2], "big"):
            try:
                if to_send:
                    to_send = to_send[sock.send(to_send) :]
                data = sock.recv(MAX_DATAGRAM)
            except BlockingIOError:
                await self._loop.pause()
                continue
            if not data:
                return None
            got += data
        wire = got[2 : 2 + int.from_bytes(got[:2], "big")]
        is_ours = wire[:2] == asked.wire[:2] and wire[12 : 12 + len(question)].lower() == question.lower()
        return packets.read(wire, question) if is_ours else None


async def answer_of(server: NameServer, name: str, kind: int, asked: Asked | None = None) -> Answer:
    """Return the answer with its aliases followed, one by one if the server does not follow them."""
    aliases: list[str] = []
    beside: list[str] = []
    here, zone = name, None
    while len(aliases) <= MAX_ALIASES:
        try:
            packet = await server.answer(asked or server.ask(here, kind))
        except ValueError:
            if not aliases:
                raise
            return Answer("no-such-record", aliases=tuple(aliases))  # the alias points to an invalid name
        asked = None
        if packet is None:
            return Answer("timeout", aliases=tuple(aliases))
        start = here
        while (target := packet.aliases.get(here)) is not None:
            if target == name or target in aliases:
                return Answer("no-such-record", aliases=(*aliases, target), is_loop=True)
            aliases.append(target)
            beside += packet.values.get(here, ())
            here = target
        zone = packet.zone or zone
        values = packet.values.get(here)
        if values:
            return Answer("there", tuple(values), tuple(aliases), beside=tuple(beside))
        if packet.rcode == packets.NXDOMAIN:
            return Answer("no-such-name", aliases=tuple(aliases), zone=zone)
        if packet.rcode != packets.NOERROR:
            words = packets.RCODES.get(packet.rcode, f"RCODE {packet.rcode}")
            return Answer("server-failure", aliases=tuple(aliases), words=words)
        if here == start or not server.recurses:
            return Answer("no-such-record", aliases=tuple(aliases), zone=zone)
    return Answer("no-such-record", aliases=tuple(aliases), is_loop=True)


def _family(server: Server) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in server[0] else socket.AF_INET


def in_ascii(name: str) -> str:
    """Return a name as it is queried (IDNA 2008, UTS 46); ValueError if it is not a valid name."""
    lowered = name.strip().rstrip(".").lower()
    if lowered.isascii():
        return lowered
    import idna

    with contextlib.suppress(idna.IDNAError):
        return idna.encode(lowered, uts46=True).decode()
    raise ValueError(f"{name!r} is not a valid DNS name")
