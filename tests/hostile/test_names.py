"""Name servers and edges that hang, lie, disconnect or send garbage: domains are unknown or broken, never clear."""

from __future__ import annotations

import contextlib
import itertools
import struct
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

import tests.misbehaving.http
import tests.misbehaving.tls  # noqa: F401 - they fill the registry
from tests.harness import PROJECT
from tests.hostile.product import Settings, check, describe, must_be_orderly, outcomes
from tests.misbehaving.names import Nameserver, failing, for_another_query, garbled, silently, truncated
from tests.misbehaving.server import REGISTRY, FakeServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.misbehaving.names import Message, Rule

DEADLINE_S = 6.0
SHOP, BASE = "shop.example.test", "apps.example.test"
ZONE = {SHOP: [f"->{BASE}"], BASE: ["127.0.0.1"]}


def records(query: Message, kind: str, *values: str) -> Message:
    answer = dns.message.make_response(query)
    answer.use_edns(False)
    if values:
        answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *values))
    return answer


def always_cut(query: Message, answer: Message, by_tcp: bool) -> bytes:
    cut = dns.message.make_response(query)
    cut.flags |= dns.flags.TC
    return cut.to_wire()


_numbers = itertools.count()


def endless_aliases(query: Message, answer: Message, by_tcp: bool) -> bytes:
    return records(query, "CNAME", f"n{next(_numbers)}.example.test.").to_wire()


def alias_to_itself(query: Message, answer: Message, by_tcp: bool) -> bytes:
    return records(query, "CNAME", query.question[0].name.to_text()).to_wire()


def alias_to_the_root(query: Message, answer: Message, by_tcp: bool) -> bytes:
    return records(query, "CNAME", ".").to_wire()


def alias_of_bytes(query: Message, answer: Message, by_tcp: bool) -> bytes:
    """Labels that no host has; escaped, they are longer than a label may be."""
    target = dns.name.Name([b"\xff\x00\x1b[31m" * 7, b"a.b\\", b"test", b""]).to_text()
    return records(query, "CNAME", target).to_wire()


def an_address_of_three_bytes(query: Message, answer: Message, by_tcp: bool) -> bytes:
    wire = records(query, "A", "127.0.0.1").to_wire()
    return wire[:-6] + b"\0\3\x7f\0\1"


def right_then_garbage(query: Message, answer: Message, by_tcp: bool) -> bytes:
    wire = bytearray(records(query, "A", "127.0.0.1").to_wire())
    wire[7] = 9
    return bytes(wire) + b"\xc0\xff\xff\xff" * 40


def another_question(query: Message, answer: Message, by_tcp: bool) -> bytes:
    other = dns.message.make_query("other.example.test", query.question[0].rdtype)
    other.id = query.id
    return records(other, "A", "127.0.0.1").to_wire()


def a_query_back(query: Message, answer: Message, by_tcp: bool) -> bytes:
    return query.to_wire()


def oversized(query: Message, answer: Message, by_tcp: bool) -> bytes:
    if not by_tcp:
        return always_cut(query, answer, by_tcp)
    return records(query, "TXT", *[f'"{number:04d}{"x" * 200}"' for number in range(290)]).to_wire(max_size=65535)


RULES: dict[str, Rule] = {
    "silent": silently,
    "garbage": garbled,
    "for-somebody-else": for_another_query,
    "servfail": failing(dns.rcode.SERVFAIL),
    "rcode-refused": failing(dns.rcode.REFUSED),
    "formerr": failing(dns.rcode.FORMERR),
    "notimp": failing(dns.rcode.NOTIMP),
    "always-cut": always_cut,
    "endless-aliases": endless_aliases,
    "alias-to-itself": alias_to_itself,
    "alias-to-the-root": alias_to_the_root,
    "alias-of-bytes": alias_of_bytes,
    "three-bytes": an_address_of_three_bytes,
    "right-then-garbage": right_then_garbage,
    "another-question": another_question,
    "a-query-back": a_query_back,
    "oversized": oversized,
}


class ByTcp(Nameserver):
    """A name server that truncates over UDP and misbehaves over TCP."""

    def __init__(self, how: str) -> None:
        super().__init__(ZONE, truncated)
        self._how = how

    def _by_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._tcp.accept()
                with sock, contextlib.suppress(OSError):
                    sock.settimeout(0.5)
                    sock.recv(4096)
                    if self._how == "drips":
                        for byte in struct.pack("!H", 400) + b"x" * 8:
                            sock.sendall(bytes([byte]))
                            time.sleep(0.05)
                    elif self._how == "garbage":
                        sock.sendall(b"\xff\xff" + b"\xc0" * 600)
                    elif self._how == "silent":
                        sock.recv(1)


def system(resolver: str, port: int, url: str | None = None) -> Settings:
    """ReverseAI with one custom domain and, with an address, its API below the same name."""
    made: Settings = {
        "runbook": str(PROJECT / "runbooks" / "reverseai.yaml"),
        "resolver": resolver,
        "deadline_s": DEADLINE_S,
        "domains": {"names": [SHOP], "base_host": BASE, "port": str(port), "timeout_s": 1.0,
                    "authoritative_port": resolver.rpartition(":")[2]},
    }  # fmt: skip
    return made | ({"http": {"base_url": url, "timeout_s": 1.0}} if url else {})


def test_name_servers_of_all_kinds(tmp_path: Path) -> None:
    with ExitStack() as stack:
        edge = stack.enter_context(FakeServer(REGISTRY["http.healthy"]))
        servers = {name: stack.enter_context(Nameserver(ZONE, rule)) for name, rule in RULES.items()}
        servers |= {
            f"by-tcp-{how}": stack.enter_context(ByTcp(how)) for how in ("closes", "drips", "garbage", "silent")
        }
        url = f"http://{SHOP}:{edge.port}"
        systems = {name: system(server.address, edge.port, url) for name, server in servers.items()}
        systems["closed-port"] = system("127.0.0.1:1", edge.port, url)
        ran = check(tmp_path, systems, "-m", "domain or health")
    must_be_orderly(ran, deadline_s=DEADLINE_S)
    for name in systems:
        got = outcomes(ran.of(name))
        assert got["health.unreachable"] == "found:name-not-resolved", f"{name}\n{describe(ran.of(name))}"
        assert "clear" not in got.values(), f"{name}\n{describe(ran.of(name))}"


EDGES = ("silent", "stalls-after-hello", "drips", "plain-http", "garbage", "alert", "resets", "closes", "half-closed",
         "endless")  # fmt: skip


def test_edges_of_all_kinds(tmp_path: Path) -> None:
    """The DNS records are right, but the server never completes a handshake."""
    with ExitStack() as stack:
        names = stack.enter_context(Nameserver(ZONE))
        edges = {name: stack.enter_context(FakeServer(REGISTRY[f"tls.{name}"])) for name in EDGES}
        ran = check(tmp_path, {name: system(names.address, edge.port) for name, edge in edges.items()}, "-m", "domain")
    must_be_orderly(ran, deadline_s=DEADLINE_S)
    for name in EDGES:
        got = outcomes(ran.of(name))
        assert got["domain.https-broken"].startswith("found:"), f"{name}\n{describe(ran.of(name))}"
        clear = {symptom for symptom, outcome in got.items() if outcome == "clear"}
        assert not {symptom for symptom in clear if "certificate" in symptom}, f"{name}\n{describe(ran.of(name))}"
