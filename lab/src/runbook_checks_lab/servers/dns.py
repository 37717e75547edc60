"""The lab's name servers: the resolver for all clients, and the authoritative server behind it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks_lab.servers.sockets import bound

if TYPE_CHECKING:
    import dns.message

ZONE = "lab.test"
MAX_ALIASES = 16
Key = tuple[str, str]  # ("cs.lab.test", "A")


@dataclass
class DnsBehaviour:
    records: dict[Key, list[str]] = field(default_factory=dict)  # addresses, names or texts, in order
    zones: set[str] = field(default_factory=lambda: {ZONE})
    # records of the resolver alone, which may differ from the authoritative ones
    cached: dict[Key, list[str]] = field(default_factory=dict)
    rcodes: dict[str, str] = field(default_factory=dict)  # name: NXDOMAIN, SERVFAIL, ...
    delays_s: dict[str, float] = field(default_factory=dict)
    is_silent: bool = False
    is_gone: bool = False  # the port refuses connections


class Dns:
    """Resolver and authoritative server, both over UDP and TCP. The TTL is 0, so that a change takes effect at once.

    The authoritative server answers for its zones only and follows no CNAME. The resolver follows every CNAME, and its
    cache may hold older records.
    """

    def __init__(self) -> None:
        self.behaviour = DnsBehaviour()
        self.resolver = Face(self, is_authoritative=False)
        self.authoritative = Face(self, is_authoritative=True)

    @property
    def port(self) -> int:
        return self.resolver.port

    async def start(self) -> None:
        await asyncio.to_thread(_import_everything)
        await asyncio.gather(self.resolver.start(), self.authoritative.start())

    async def settle(self) -> None:
        """Open or close the ports; responses are made from the behaviour when requested."""
        for face in (self.resolver, self.authoritative):
            await face.set_gone(is_gone=self.behaviour.is_gone)

    async def stop(self) -> None:
        self.resolver.stop()
        self.authoritative.stop()


class Face(asyncio.DatagramProtocol):
    """One server on one port."""

    def __init__(self, server: Dns, *, is_authoritative: bool) -> None:
        self._server = server
        self._is_authoritative = is_authoritative
        self.port = 0

    @property
    def behaviour(self) -> DnsBehaviour:
        return self._server.behaviour

    async def start(self) -> None:
        await self._listen(*_same_port())

    async def set_gone(self, *, is_gone: bool) -> None:
        """Close the port, or open it again."""
        if is_gone and not self._tcp.is_serving():
            return
        if is_gone:
            self.stop()
        elif not self._tcp.is_serving():
            await self._listen(*_on_port(self.port))

    async def _listen(self, tcp: socket.socket, udp: socket.socket) -> None:
        self.port = tcp.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, sock=udp)
        self._tcp = await asyncio.start_server(self._serve_tcp, sock=tcp)

    def stop(self) -> None:
        self._udp.close()
        self._tcp.close()

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
        response.flags |= dns.flags.AA if self._is_authoritative else dns.flags.RA
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        last = name
        for owner, found, values in self._chain(name, kind):
            if values:
                response.answer.append(dns.rrset.from_text(owner + ".", 0, "IN", found, *_written(found, values)))
            last = owner
        response.set_rcode(dns.rcode.from_text(self._rcode(last)))
        zone = self._zone(last)
        if zone and (not response.answer or response.answer[-1].rdtype != query.question[0].rdtype):
            soa = f"ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 0"
            response.authority.append(dns.rrset.from_text(zone + ".", 0, "IN", "SOA", soa))
        return response

    def _chain(self, name: str, kind: str) -> Iterator[tuple[str, str, list[str]]]:
        """Yield the record sets of the answer, from the requested name along its CNAMEs."""
        for _ in range(MAX_ALIASES):
            if self._rcode(name) != "NOERROR":
                break
            alias = self._held(name, "CNAME") if kind != "CNAME" else []
            if not alias:
                break
            yield name, "CNAME", alias
            name = alias[0]
            if self._is_authoritative:
                return
        yield name, kind, self._held(name, kind) if self._rcode(name) == "NOERROR" else []

    def _held(self, name: str, kind: str) -> list[str]:
        behaviour = self.behaviour
        if not self._is_authoritative and (name, kind) in behaviour.cached:
            return behaviour.cached[name, kind]
        return behaviour.records.get((name, kind), [])

    def _rcode(self, name: str) -> str:
        behaviour = self.behaviour
        if name in behaviour.rcodes:
            return behaviour.rcodes[name]
        if self._zone(name) is None:
            return "REFUSED"
        owners = {*behaviour.zones, *(owner for owner, _ in behaviour.records)}
        return "NOERROR" if any(f".{owner}".endswith(f".{name}") for owner in owners) else "NXDOMAIN"

    def _zone(self, name: str) -> str | None:
        fitting = [zone for zone in self.behaviour.zones if f".{name}".endswith(f".{zone}")]
        return max(fitting, key=len, default=None)


def _written(kind: str, values: list[str]) -> list[str]:
    """Return the values as in a zone file: names end in a dot, texts are quoted (a quoted text is left as it is)."""
    if kind in ("CNAME", "NS"):
        return [value.rstrip(".") + "." for value in values]
    if kind == "TXT":
        return [value if value.startswith('"') else f'"{value}"' for value in values]
    return values


def _import_everything() -> None:
    """Import before the first query, which would otherwise wait for it."""
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rdtypes.ANY.CNAME
    import dns.rdtypes.ANY.NS
    import dns.rdtypes.ANY.SOA
    import dns.rdtypes.ANY.TXT
    import dns.rdtypes.IN.A
    import dns.rrset  # noqa: F401


def _same_port() -> tuple[socket.socket, socket.socket]:
    return _on_port(0)


def _on_port(port: int) -> tuple[socket.socket, socket.socket]:
    for _ in range(50):
        tcp = bound(port)
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
