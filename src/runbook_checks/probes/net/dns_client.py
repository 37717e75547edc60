"""Query one name server for the addresses of a name, over UDP, and over TCP if the answer is truncated."""

from __future__ import annotations

import time
from contextlib import closing

from runbook_checks.inputs.address import split_address
from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.net.dns_packets import AAAA, NS, ROOT, A, name_wire
from runbook_checks.probes.net.event_loop import Loop
from runbook_checks.probes.net.name_server import RESEND_S, Answer, NameServer, answer_of, in_ascii
from runbook_checks.probes.net.unresolved import not_resolved

PORT = 53
SECOND_FAMILY_GRACE_S = 0.05  # RFC 8305, 3: how long an answer waits for that of the other family
CONTROL_S = 0.5  # timeout of the query that every server can answer
ANSWERED = ("there", "no-such-name", "no-such-record")


def ask(host: str, resolver: str, deadline: Deadline, resource: str) -> list[str]:
    """Return the addresses of `host` from that name server: A, then AAAA, in the order of the answers."""
    try:
        server = split_address(resolver, PORT)
    except ValueError:
        raise NoReading(resource, "the resolver is not an address[:port]", evidence={"resolver": resolver}) from None
    try:
        name = in_ascii(host)
        name_wire(name)
    except ValueError:
        raise not_resolved(resource, host, "not a valid host name") from None
    lookup, silence = _Lookup(name), "timeout, no answer"
    try:
        lookup.run(server, deadline)
    except OSError as error:
        silence = f"the resolver cannot be reached ({error.strerror})"
    four, six = lookup.answers.get(A), lookup.answers.get(AAAA)
    addresses = [value for answer in (four, six) if answer for value in answer.values]
    if addresses:
        return addresses
    if lookup.is_closed:
        silence = "no server listens at the resolver's address"
    why = _why_empty(four) if four else silence
    raise not_resolved(resource, host, f"{why} (resolver {resolver})", resolver=resolver, state=lookup.state)


class _Lookup:
    """Queries A and AAAA of one name over one socket, repeated at growing intervals.

    The first repetition comes with a control query that every server can answer: a server that does not respond to
    it either is silent.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers: dict[int, Answer] = {}
        self.is_closed = False
        self._control_waited, self._hears_us = 0.0, False

    @property
    def state(self) -> str | None:
        """The state of the name server, if it did not answer about the name (see unresolved.not_resolved)."""
        if self.answers:
            return None if any(answer.said in ANSWERED for answer in self.answers.values()) else "failing"
        is_silent = self.is_closed or (self._control_waited >= CONTROL_S and not self._hears_us)
        return "silent" if is_silent else "failing"

    def run(self, address: tuple[str, int], deadline: Deadline) -> None:
        with closing(Loop()) as loop, closing(NameServer(loop, address, is_single=True)) as server:
            for kind in (A, AAAA):
                loop.spawn(self._ask(loop, server, kind))
            loop.call_at(time.monotonic() + RESEND_S[0] + 0.05, lambda: self._begin_control(loop, server))
            with deadline.on_expiry(loop.ring):
                loop.run(deadline)
            self.is_closed = server.is_closed_port

    async def _ask(self, loop: Loop, server: NameServer, kind: int) -> None:
        answer = await answer_of(server, self.name, kind)
        if answer.said != "timeout":
            self.answers[kind] = answer
        if answer.said == "there" or len(self.answers) == 2:
            for task in loop.tasks:
                task.limit(time.monotonic() + SECOND_FAMILY_GRACE_S)

    def _begin_control(self, loop: Loop, server: NameServer) -> None:
        if not self.answers:
            loop.spawn(self._control(server))

    async def _control(self, server: NameServer) -> None:
        begun = time.monotonic()
        try:
            self._hears_us = await server.answer(server.ask(ROOT, NS)) is not None
        finally:  # the deadline may close it
            self._control_waited = time.monotonic() - begun


def _why_empty(answer: Answer) -> str:
    if answer.is_loop:
        return "CNAME loop"
    if answer.said == "server-failure":
        return f"the name server answered {answer.words}"
    if answer.said == "no-such-name":
        return "it does not exist (NXDOMAIN)"
    return "it exists but has no address (NODATA)"
