"""What does the lab's name server answer?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.servers.sockets import bound

if TYPE_CHECKING:
    import dns.message

ZONE = "lab.test"


@dataclass
class DnsBehaviour:
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # ("cs.lab.test", "A"): addresses in order
    rcodes: dict[str, str] = field(default_factory=dict)  # name: NXDOMAIN, SERVFAIL, ...
    delays_s: dict[str, float] = field(default_factory=dict)
    is_silent: bool = False


class Dns(asyncio.DatagramProtocol):
    """Authoritative for the zone, over UDP and TCP, with a TTL of 0 so that a change shows at once."""

    def __init__(self) -> None:
        self.behaviour = DnsBehaviour()
        self.port = 0

    async def start(self) -> None:
        self._tcp_socket, udp = _same_port()
        self.port = self._tcp_socket.getsockname()[1]
        await asyncio.to_thread(_import_everything)
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, sock=udp)
        self._server = await asyncio.start_server(self._serve_tcp, sock=self._tcp_socket)

    async def settle(self) -> None:
        """Answers are made from the behaviour one by one: nothing to do."""

    async def stop(self) -> None:
        self._udp.close()
        self._server.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asyncio.get_running_loop().create_task(self._serve_udp(data, addr))

    async def _serve_udp(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = await self._answer(data)
        if answer:
            self._udp.sendto(answer, addr)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                answer = await self._answer(await reader.readexactly(size))
                if answer:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                    await writer.drain()
        writer.close()

    async def _answer(self, data: bytes) -> bytes | None:
        import dns.exception
        import dns.message

        if self.behaviour.is_silent:
            return None
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        name = str(query.question[0].name).rstrip(".").lower() if query.question else ""
        await asyncio.sleep(self.behaviour.delays_s.get(name, 0.0))
        return self._response(query, name).to_wire(want_shuffle=False)  # in the order of the records

    def _response(self, query: dns.message.Message, name: str) -> dns.message.Message:
        import dns.flags
        import dns.message
        import dns.rcode
        import dns.rdatatype
        import dns.rrset

        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        response.set_rcode(dns.rcode.from_text(self._rcode(name)))
        if response.rcode() == dns.rcode.NOERROR:
            kind = dns.rdatatype.to_text(query.question[0].rdtype)
            if values := self.behaviour.records.get((name, kind)):
                response.answer.append(dns.rrset.from_text(name + ".", 0, "IN", kind, *values))
        if not response.answer and name.endswith(ZONE):
            soa = f"ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 0"
            response.authority.append(dns.rrset.from_text(ZONE + ".", 0, "IN", "SOA", soa))
        return response

    def _rcode(self, name: str) -> str:
        if name in self.behaviour.rcodes:
            return self.behaviour.rcodes[name]
        if name != ZONE and not name.endswith("." + ZONE):
            return "REFUSED"
        owners = {ZONE, *(owner for owner, _ in self.behaviour.records)}
        return "NOERROR" if any(f".{owner}".endswith(f".{name}") for owner in owners) else "NXDOMAIN"


def _import_everything() -> None:
    """Not while the first question waits."""
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rdtypes.ANY.SOA
    import dns.rdtypes.IN.A
    import dns.rrset  # noqa: F401


def _same_port() -> tuple[socket.socket, socket.socket]:
    for _ in range(50):
        tcp = bound()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setblocking(False)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return tcp, udp
    raise OSError("no port is free for both UDP and TCP")
