"""What does one name server say about a name? (DNS over UDP, and TCP where an answer is cut.)"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from runbook_checks.inputs.address import split_address
from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.unresolved import not_resolved

PORT = 53
TYPES = ("A", "AAAA")
SECOND_FAMILY_GRACE_S = 0.05  # RFC 8305, 3: how long an answer waits for that of the other family
RESEND_S = (1.0, 2.0, 4.0, 8.0)
CONTROL_S = 0.5  # how long the question is waited for that any server can answer
MAX_ALIASES = 8
MAX_DATAGRAM = 65535


def ask(host: str, resolver: str, deadline: Deadline, resource: str) -> list[str]:
    """The addresses of `host` by that name server: A, then AAAA, in the order served; aliases followed."""
    try:
        server = split_address(resolver, PORT)
    except ValueError:
        raise NoReading(resource, "the resolver is no address[:port]", evidence={"resolver": resolver}) from None
    try:
        name = dns.name.from_text(host, idna_codec=dns.name.IDNA_2008_Practical)
    except (dns.exception.DNSException, UnicodeError):
        raise not_resolved(resource, host, "not a name that can be looked up") from None
    for _ in range(MAX_ALIASES):
        questions = _Questions(name, server, deadline)
        replies = questions.replies()
        addresses, alias, why = _read(replies, questions.silence)
        if addresses:
            return addresses
        if alias is None or alias == name:
            state = _state(replies, is_silent=questions.is_silent)
            raise not_resolved(resource, host, f"{why} (resolver {resolver})", resolver=resolver, state=state)
        name = alias
    raise not_resolved(resource, host, f"more than {MAX_ALIASES} aliases follow each other")


Replies = dict[str, dns.message.Message]


def _read(replies: Replies, silence: str) -> tuple[list[str], dns.name.Name | None, str]:
    """The addresses, or the alias the server left to be followed, or why there is nothing."""
    addresses: list[str] = []
    alias: dns.name.Name | None = None
    whys: list[str] = []
    for kind in TYPES:
        reply = replies.get(kind)
        if reply is None:
            whys.append(silence)
            continue
        try:
            chain = reply.resolve_chaining()  # type: ignore[attr-defined]
        except dns.exception.DNSException as error:
            whys.append(f"its aliases lead nowhere ({type(error).__name__})")
            continue
        if chain.answer is not None:
            addresses += [item.address for item in chain.answer]
        elif chain.cnames:
            alias = chain.canonical_name
        whys.append(_why_empty(reply))
    return addresses, alias, whys[0]


def _state(replies: Replies, *, is_silent: bool) -> str | None:
    """What is wrong with the name server, where it told nothing of the name (see unresolved.not_resolved)."""
    if not replies:
        return "silent" if is_silent else "failing"
    is_told = any(reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) for reply in replies.values())
    return None if is_told else "failing"


def _why_empty(reply: dns.message.Message) -> str:
    rcode = reply.rcode()
    if rcode == dns.rcode.NXDOMAIN:
        return "it does not exist (NXDOMAIN)"
    if rcode == dns.rcode.NOERROR:
        return "it exists but has no address (NODATA)"
    return f"the name server answered {dns.rcode.to_text(rcode)}"


class _Questions:
    """Both questions about one name over one socket, asked again at growing intervals.

    The socket and the ids stay, so that a slow server's answer to the first asking still counts. Along with the second
    asking goes a question that any server has an answer to: whoever leaves that open as well is silent altogether.
    """

    def __init__(self, name: dns.name.Name, server: tuple[str, int], deadline: Deadline) -> None:
        self._open = {kind: dns.message.make_query(name, kind) for kind in TYPES}
        self._server = server
        self._deadline = deadline
        self._replies: Replies = {}
        self.silence = "timeout, no answer"
        self.is_closed = False
        self._control = dns.message.make_query(".", "NS")
        self._control_sent = self._control_waited = 0.0
        self._hears_us = False
        self._grace_end = float("inf")

    @property
    def is_silent(self) -> bool:
        """Whether the server answers nothing at all; False where there was no time to find that out."""
        return self.is_closed or (self._control_waited >= CONTROL_S and not self._hears_us)

    def replies(self) -> Replies:
        family = socket.AF_INET6 if ":" in self._server[0] else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                # Connected: a closed port says so at once instead of staying silent.
                sock.connect(self._server)
                with self._deadline.watch(sock):
                    self._converse(sock)
        except ConnectionRefusedError:
            self.silence, self.is_closed = "nobody listens at the resolver's address", True
        except OSError as error:
            self.silence = f"the resolver can't be reached ({error.strerror})"
        return self._replies

    def _converse(self, sock: socket.socket) -> None:
        rounds = 0
        while self._open and not self._is_over():
            for query in self._open.values():
                sock.send(query.to_wire())
            if rounds and not self._replies:
                self._control_sent = self._control_sent or time.monotonic()
                sock.send(self._control.to_wire())
            self._listen(sock, time.monotonic() + RESEND_S[min(rounds, len(RESEND_S) - 1)])
            rounds += 1
        if self._control_sent:
            self._control_waited = time.monotonic() - self._control_sent

    def _is_over(self) -> bool:
        return self._deadline.expired or time.monotonic() >= self._grace_end

    def _listen(self, sock: socket.socket, until: float) -> None:
        while self._open and not self._is_over():
            wait = min(until, self._grace_end, time.monotonic() + self._deadline.remaining()) - time.monotonic()
            if wait <= 0 or not _is_readable(sock, wait):
                return
            self._take(sock.recv(MAX_DATAGRAM))

    def _take(self, wire: bytes) -> None:
        # What can't be read or answers another question isn't ours (RFC 5452): keep listening.
        with contextlib.suppress(dns.exception.DNSException, ValueError, struct.error):
            reply = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
            if self._control.is_response(reply):
                self._hears_us = True
            for kind, query in list(self._open.items()):
                if query.is_response(reply):
                    if reply.flags & dns.flags.TC:
                        reply = self._ask_by_tcp(query) or reply
                    self._settle(kind, reply)

    def _settle(self, kind: str, reply: dns.message.Message) -> None:
        del self._open[kind]
        self._replies[kind] = reply
        if reply.rcode() == dns.rcode.NOERROR and reply.answer:
            self._grace_end = time.monotonic() + SECOND_FAMILY_GRACE_S

    def _ask_by_tcp(self, query: dns.message.Message) -> dns.message.Message | None:
        wire = query.to_wire()
        with (
            contextlib.suppress(OSError),
            socket.create_connection(self._server, timeout=max(0.001, self._deadline.remaining())) as sock,
            self._deadline.watch(sock),
        ):
            sock.sendall(struct.pack("!H", len(wire)) + wire)
            with sock.makefile("rb") as stream:
                size = struct.unpack("!H", stream.read(2))[0]
                reply = dns.message.from_wire(stream.read(size), ignore_trailing=True)
            return reply if query.is_response(reply) else None
        return None


def _is_readable(sock: socket.socket, wait: float) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(wait * 1000))
