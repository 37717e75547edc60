"""Facts from a sweep over domains; hostile name servers and addresses neither mislead nor delay it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Queue
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.domains.sweep import Plan, Swept, sweep
from runbook_checks.probes.net.far_ends import FarEnds
from tests.misbehaving.rogue import Rogue, Rule, Zone
from tests.misbehaving.server import REGISTRY, FakeServer, Handler, Visit
from tests.misbehaving.tls import serving
from tests.probes import pki
from tests.probes.conftest import HERE, taking

BASE, SHOP, TOKEN = "apps.base.test", "shop.example.test", "rv-0815"
TEXT = f"_reverseai.{SHOP}"
TIMEOUT_S = 1.0
PLAIN: Zone = {
    (BASE, "A"): ["127.0.0.1"],
    (SHOP, "CNAME"): [BASE],
    (TEXT, "TXT"): [f'"{TOKEN}"'],
}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Village:
    """A root, an intermediate, and one address that serves a certificate for each requested domain."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.root = pki.make("Root", is_ca=True, days=(-1, 3650))
        self.middle = pki.make("Middle", self.root, is_ca=True)
        self.port = 443
        for name, made in (("root.pem", self.root), ("middle.pem", self.middle)):
            (folder / name).write_bytes(made.pem)

    def serve(self, *names: str, then: Handler | None = None, host: str = "127.0.0.1", **leaf: Any) -> None:
        made = pki.make("leaf", self.middle, names=names or (SHOP,), **leaf)
        self.run(serving(*made.write(self.folder, self.middle, name=host), then or answering(OK)), host)

    def run(self, handler: Handler, host: str = "127.0.0.1") -> None:
        server = self.stack.enter_context(FakeServer(handler, host, 0 if self.port == 443 else self.port))
        self.port = server.port

    def sweep(
        self, *domains: str, zone: Zone | None = None, rules: dict[str, Rule] | None = None, **plan: Any
    ) -> Swept:
        rogue = self.stack.enter_context(Rogue({**PLAIN, **(zone or {})}, rules))
        self.rogue = rogue
        settings: dict[str, Any] = {
            "ca_file": str(self.folder / "root.pem"),
            "timeout_s": TIMEOUT_S,
            "port": self.port,
            "far_ends": HERE,
        } | plan
        return sweep(domains or (SHOP,), Plan(resolver=rogue.address, base_host=BASE, **settings))


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    with ExitStack() as stack:
        yield Village(tmp_path, stack)


def answering(*parts: bytes) -> Handler:
    def handle(visit: Visit) -> None:
        visit.request()
        visit.say(*parts)

    return handle


def raw(twist: Callable[[bytearray], bytes]) -> Rule:
    """The true answer modified, and nothing after it."""
    return lambda _, truth: [twist(bytearray(truth.to_wire()))]


def test_healthy_domain(village: Village) -> None:
    village.serve()
    facts = village.sweep().facts[SHOP]
    assert (facts.txt.said, facts.txt.values) == ("there", (TOKEN,))
    assert (facts.address.aliases, facts.addresses) == ((BASE,), ("127.0.0.1",))
    assert facts.served is not None
    assert facts.served.handshake is None, "OpenSSL accepted it"
    assert facts.served.issuer == "CN=Middle"
    assert facts.served.not_after - facts.served.not_before == 31 * 86400
    assert facts.routed is not None
    assert facts.routed.status == 200


def test_text_parts_are_joined_and_all_records_reported(village: Village) -> None:
    texts = ['"v=spf1 -all"', '"rv-" "08" "15"', '"caf\\195\\169 \\255"']
    facts = village.sweep(zone={(TEXT, "TXT"): texts}).facts[SHOP]
    assert facts.txt.values == ("v=spf1 -all", TOKEN, "café \N{REPLACEMENT CHARACTER}")


def test_idn_is_queried_in_ascii_and_reported_as_given(village: Village) -> None:
    name = "bücher.example.test"
    village.serve("xn--bcher-kva.example.test")
    facts = village.sweep(name, zone={("xn--bcher-kva.example.test", "CNAME"): [BASE]}).facts[name]
    assert facts.domain == "xn--bcher-kva.example.test"
    assert facts.served is not None
    assert facts.served.handshake is None


@pytest.mark.parametrize(
    "name", ["a..test", "x" * 64 + ".test", ".".join(["longlabel"] * 30), "", "-\N{SNOWMAN}\ud800.test"]
)
def test_invalid_name_is_not_queried_and_reported(village: Village, name: str) -> None:
    swept = village.sweep(name, SHOP)
    assert name in swept.unseen
    assert SHOP in swept.facts


def test_a_chain_and_a_loop(village: Village) -> None:
    chain: Zone = {(SHOP, "CNAME"): ["a.test"], ("a.test", "CNAME"): ["b.test"], ("b.test", "CNAME"): [BASE]}
    assert village.sweep(zone=chain).facts[SHOP].address.aliases == ("a.test", "b.test", BASE)
    loop: Zone = {(SHOP, "CNAME"): ["a.test"], ("a.test", "CNAME"): [SHOP]}
    assert village.sweep(zone=loop).facts[SHOP].address.is_loop


def test_loop_that_a_resolver_reports_as_servfail(village: Village) -> None:
    loop: Zone = {(SHOP, "CNAME"): ["a.test"], ("a.test", "CNAME"): [SHOP]}

    def servfail_unless_cname(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        if query.question[0].rdtype.name == "CNAME":
            return [truth.to_wire()]
        return [failing(query, dns.rcode.SERVFAIL)]

    rules: dict[str, Rule] = dict.fromkeys((SHOP, "a.test"), servfail_unless_cname)
    address = village.sweep(zone=loop, rules=rules).facts[SHOP].address
    assert address.is_loop
    assert address.aliases == ("a.test", SHOP)


def failing(query: dns.message.Message, rcode: dns.rcode.Rcode) -> bytes:
    answer = dns.message.make_response(query)
    answer.set_rcode(rcode)
    return answer.to_wire()


def forged(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
    """Forged answers come first: another id, another question, another case, no answer; then the true one."""
    lie = dns.message.make_response(query)
    lie.answer.append(dns.rrset.from_text(query.question[0].name, 0, "IN", "TXT", '"forged"'))
    wire = lie.to_wire()
    other_id = bytes([wire[0] ^ 1]) + wire[1:]
    other_name = wire.replace(b"\x0a_", b"\x0ax", 1)
    not_an_answer = bytes([*wire[:2], wire[2] & 0x7F, *wire[3:]])
    return [other_id, other_name, not_an_answer, b"", b"\0", wire[:11], truth.to_wire()]


def test_forged_answers_are_ignored(village: Village) -> None:
    assert village.sweep(rules={TEXT: forged}).facts[SHOP].txt.values == (TOKEN,)


def test_server_that_does_not_keep_the_case_is_queried_by_tcp(village: Village) -> None:
    def lowered(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        wire = truth.to_wire()
        size = len(str(query.question[0].name)) + 1
        return [wire[:12] + wire[12 : 12 + size].lower() + wire[12 + size :]]

    assert village.sweep(rules={TEXT: lowered}).facts[SHOP].txt.values == (TOKEN,)
    assert (TEXT, "TXT TCP") in village.rogue.asked


def test_truncated_answer_is_queried_by_tcp(village: Village) -> None:
    def cut(query: dns.message.Message, _: dns.message.Message) -> Iterable[bytes]:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.TC
        return [answer.to_wire()]

    many = [f'"{"x" * 250}{n}"' for n in range(40)]
    facts = village.sweep(rules={TEXT: cut}, zone={(TEXT, "TXT"): [*many, f'"{TOKEN}"']}).facts[SHOP]
    assert len(facts.txt.values) == 41
    assert TOKEN in facts.txt.values


def test_server_without_edns_is_queried_without(village: Village) -> None:
    def old(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        return [failing(query, dns.rcode.FORMERR) if query.edns >= 0 else truth.to_wire()]

    assert village.sweep(rules={TEXT: old}).facts[SHOP].txt.values == (TOKEN,)


TWISTED: dict[str, Callable[[bytearray], bytes]] = {
    "a name that points to itself": lambda wire: bytes(wire[:-2]) + b"\xc0" + bytes([len(wire) - 2]),
    "a name that points forward": lambda wire: bytes(wire).replace(b"\xc0\x0c", b"\xc3\xff", 1),
    "more records than there are": lambda wire: bytes(wire[:6]) + b"\xff\xff" + bytes(wire[8:]),
    "a record longer than the packet": lambda wire: bytes(wire[:-9]) + b"\xff\xff" + bytes(wire[-7:]),
    "nothing after the question": lambda wire: bytes(wire[:20]),
    "rubbish": lambda wire: bytes(wire[:2]) + b"\x81\x80" + b"\xc0" * 400,
    "64 KiB of pointers": lambda wire: bytes(wire[:40]) + b"\xc0\x0c" * 32000,
}


@pytest.mark.parametrize("twist", TWISTED.values(), ids=TWISTED)
def test_malformed_answer_is_ignored(village: Village, twist: Callable[[bytearray], bytes]) -> None:
    with taking(at_most_s=2.5 * TIMEOUT_S):
        facts = village.sweep(rules={TEXT: raw(twist)}).facts[SHOP]
    assert facts.txt.values in ((), (TOKEN,))
    assert facts.address.values == ("127.0.0.1",)


def test_one_label_with_dots_is_not_the_base_host(village: Village) -> None:
    def as_one_label(query: dns.message.Message, _: dns.message.Message) -> Iterable[bytes]:
        target = bytes([len(BASE)]) + BASE.encode() + b"\0"
        answer = dns.message.make_response(query).to_wire()
        end = 12 + len(str(query.question[0].name)) + 1 + 4
        record = b"\xc0\x0c\0\x05\0\x01\0\0\0\0" + len(target).to_bytes(2, "big") + target
        return [answer[:6] + b"\0\x01\0\0\0\0" + answer[end - (end - 12) : end] + record]

    assert BASE not in village.sweep(rules={SHOP: as_one_label}).facts[SHOP].address.aliases


def test_silent_name_delays_no_other(village: Village) -> None:
    others = [f"s{n}.example.test" for n in range(40)]
    zone: Zone = {(name, "CNAME"): [BASE] for name in others}
    with taking(at_most_s=2.5 * TIMEOUT_S):
        swept = village.sweep(SHOP, *others, zone=zone, rules={SHOP: lambda *_: [], TEXT: lambda *_: []}, at_once=4)
    facts = swept.facts[SHOP]
    assert (facts.txt.said, facts.address.said) == ("timeout", "timeout")
    assert facts.gone is not None
    assert facts.gone.kind == "name-not-resolved"
    assert all(swept.facts[name].address.said == "there" for name in others)


def test_lost_query_is_sent_again(village: Village) -> None:
    seen: list[int] = []

    def second_time(_: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        seen.append(1)
        return [truth.to_wire()] if len(seen) > 1 else []

    assert village.sweep(rules={TEXT: second_time}, timeout_s=3.0).facts[SHOP].txt.values == (TOKEN,)


def test_a_silent_or_refusing_name_server_is_no_reading(village: Village) -> None:
    with pytest.raises(NoReading, match="does not respond") as gone, taking(at_most_s=2 * TIMEOUT_S):
        village.sweep(rules=dict.fromkeys((SHOP, TEXT, BASE), lambda *_: []))
    assert gone.value.kind == "name-server-silent"
    with pytest.raises(NoReading, match="REFUSED"):
        village.sweep(rules={BASE: lambda query, _: [failing(query, dns.rcode.REFUSED)]})


def test_closed_port_is_reported_at_once(village: Village) -> None:
    with pytest.raises(NoReading, match="its port is closed"), taking(at_most_s=2 * TIMEOUT_S):
        sweep([SHOP], Plan(resolver="127.0.0.1:9", base_host=BASE, timeout_s=TIMEOUT_S))


# ------------------------------------------------------------------ what is served


@pytest.mark.parametrize(
    ("leaf", "code", "matches"),
    [
        ({"days": (-30, -1)}, 10, True),
        ({"days": (1, 30)}, 9, True),
        ({"key": pki.rsa_key(1024)}, 66, True),
    ],
    ids=["expired", "not yet valid", "weak"],
)
def test_refusal_of_openssl_is_reported_completely(
    village: Village, leaf: dict[str, Any], code: int, matches: bool
) -> None:
    village.serve(**leaf)
    served = village.sweep().facts[SHOP].served
    assert served is not None
    assert served.handshake is not None
    assert (served.handshake.verify_code, served.handshake.name_matches) == (code, matches)
    assert not served.handshake.trusted


def test_wrong_name_is_not_a_trust_error(village: Village) -> None:
    village.serve("other.example.test")
    served = village.sweep().facts[SHOP].served
    assert served is not None
    assert served.handshake is not None
    assert (served.handshake.trusted, served.handshake.name_matches) == (True, False)


def test_foreign_authority_is_never_accepted(village: Village, tmp_path: Path) -> None:
    village.serve()
    foreign = tmp_path / "foreign.pem"
    foreign.write_bytes(pki.make("Root", is_ca=True).pem)
    served = village.sweep(ca_file=str(foreign)).facts[SHOP].served
    assert served is not None
    assert served.handshake is not None
    assert not served.handshake.trusted


@pytest.mark.parametrize("bundle", [None, "middle.pem"])
def test_an_incomplete_chain_is_completed_by_a_bundle(village: Village, bundle: str | None) -> None:
    made = pki.make("leaf", village.middle, names=(SHOP,))
    village.run(serving(*made.write(village.folder), answering(OK)))
    path = str(village.folder / bundle) if bundle else None
    served = village.sweep(intermediates_file=path).facts[SHOP].served
    assert served is not None
    assert served.handshake is not None
    assert served.handshake.completed_by == ("bundle" if bundle else None)


@pytest.mark.parametrize("name", sorted(name for name in REGISTRY if name.startswith("tls.")))
def test_hostile_address_delays_no_other(village: Village, name: str) -> None:
    village.serve("good.example.test")
    village.run(REGISTRY[name], "127.0.0.9")
    others = [f"x{n}.example.test" for n in range(12)]
    zone: Zone = {("good.example.test", "CNAME"): [BASE]} | {(other, "A"): ["127.0.0.9"] for other in others}
    with taking(at_most_s=4 * TIMEOUT_S):
        swept = village.sweep(*others, "good.example.test", zone=zone, at_once=4)
    assert swept.facts["good.example.test"].routed is not None
    for other in others:
        gone = swept.facts[other].gone
        assert gone is not None
        assert gone.kind in ("read-timeout", "tls-failed", "connection-reset", "malformed-answer", "not-connected")


def test_internal_address_is_only_connected_to_for_the_base_host(village: Village) -> None:
    """A domain's owner could make the sweep connect to any address; the base host is configured."""
    village.serve("good.example.test")
    asked: Queue[bytes] = Queue()
    village.run(lambda visit: asked.put(visit.request()), "127.0.0.9")
    zone: Zone = {
        ("good.example.test", "CNAME"): [BASE],
        ("evil.test", "A"): ["127.0.0.9"],
        ("six.test", "AAAA"): ["::1"],
        ("both.test", "A"): ["127.0.0.9", "127.0.0.1"],
    }
    names = ("good.example.test", "evil.test", "six.test", "both.test")
    facts = village.sweep(*names, zone=zone, far_ends=FarEnds()).facts
    assert facts["good.example.test"].routed is not None
    for name in ("evil.test", "six.test"):
        gone = facts[name].gone
        assert gone is not None
        assert gone.kind == "address-refused"
        assert "far_ends.allow" in gone.reason
    assert facts["both.test"].served is not None
    assert facts["both.test"].served.peer.startswith("127.0.0.1:")
    assert asked.empty()
    assert village.sweep("evil.test", zone=zone).facts["evil.test"].gone is not None
    assert asked.get(timeout=5), "it is connected to if the environment allows it"


ANSWERS: dict[str, tuple[Handler, str | None]] = {
    "silence": (Visit.stay_silent, "read-timeout"),
    "a drip": (lambda visit: visit.drip(OK * 9), "read-timeout"),
    "no HTTP": (answering(b"220 mail ready\r\n\r\n"), "malformed-answer"),
    "a head without end": (answering(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000), "malformed-answer"),
    "the end at once": (answering(b""), "connection-reset"),
    "a page without length": (answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * 100_000), None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_responses_to_a_request(village: Village, name: str) -> None:
    handler, kind = ANSWERS[name]
    village.serve(then=handler)
    with taking(at_most_s=2.5 * TIMEOUT_S):
        facts = village.sweep().facts[SHOP]
    assert facts.served is not None, "the certificate was read"
    assert (facts.gone.kind if facts.gone else None) == kind
    assert (facts.routed is not None) == (kind is None)


def test_the_code_of_an_error_is_read(village: Village) -> None:
    body = b'{"error": {"code": "ROUTING_FAILED"}}'
    head = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    village.serve(then=answering(head, body))
    routed = village.sweep().facts[SHOP].routed
    assert routed is not None
    assert (routed.status, routed.code) == (404, "ROUTING_FAILED")
