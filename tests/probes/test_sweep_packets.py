"""A sweep's DNS packets and its certificates are those of the protocols, as dnspython and cryptography read them."""

from __future__ import annotations

import datetime
import socket
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.domains.sweep import Plan
from runbook_checks.probes.net import dns_packets as packets
from runbook_checks.probes.net.event_loop import Loop, Overdue
from runbook_checks.probes.tls.certificate import validity
from tests.probes import pki

NAME = "_reverseai.shop.example.test"


def query_of(kind: str, name: str = NAME) -> tuple[dns.message.Message, bytes]:
    """Return a query as dnspython parses it, and the question's bytes in the packet."""
    wire = packets.question(packets.name_wire(name), dns.rdatatype.from_text(kind))
    return dns.message.from_wire(packets.packed(4711, wire)), wire


def read(query: dns.message.Message, wire: bytes, *records: str, zone: str = "", **more: int) -> packets.Packet:
    """Return dnspython's answer with these records, as the sweep parses it."""
    answer = dns.message.make_response(query)
    answer.set_rcode(dns.rcode.Rcode(more.get("rcode", 0)))
    answer.answer += [dns.rrset.from_text(*record.split(" ", 4)) for record in records]  # type: ignore[arg-type]
    if zone:
        answer.authority.append(dns.rrset.from_text(zone, 0, "IN", "SOA", f"ns.{zone} admin.{zone} 1 2 3 4 5"))
    return packets.read(answer.to_wire(), wire)


@pytest.mark.parametrize("kind", ["A", "NS", "CNAME", "TXT", "AAAA"])
def test_questions_match_dnspython(kind: str) -> None:
    query, _ = query_of(kind)
    assert (query.id, query.question[0].rdtype.name, query.question[0].name.to_text()) == (4711, kind, f"{NAME}.")
    assert (query.edns, query.payload, bool(query.flags & dns.flags.RD)) == (0, 1232, True)
    plain = dns.message.from_wire(packets.packed(1, query_of(kind)[1], recurse=False, edns=False))
    assert (plain.edns, bool(plain.flags & dns.flags.RD)) == (-1, False)


def test_answers_are_read_with_their_cnames() -> None:
    found = read(
        *query_of("A"), f"{NAME}. 0 IN CNAME Apps.Base.Test.", "apps.base.test. 0 IN A 192.0.2.1",
        "apps.base.test. 0 IN A 192.0.2.2", "apps.base.test. 0 IN AAAA 2001:db8::1",
    )  # fmt: skip
    assert found.aliases == {NAME: "apps.base.test"}
    assert found.values == {"apps.base.test": ["192.0.2.1", "192.0.2.2"]}
    assert (found.rcode, found.is_truncated, found.zone) == (0, False, None)
    assert read(*query_of("AAAA"), f"{NAME}. 0 IN AAAA 2001:db8::1").values == {NAME: ["2001:db8::1"]}
    assert read(*query_of("CNAME"), f"{NAME}. 0 IN CNAME a.test.").values == {NAME: ["a.test"]}
    assert read(*query_of("CNAME"), f"{NAME}. 0 IN CNAME a.test.").aliases == {}
    assert read(*query_of("TXT"), f'{NAME}. 0 IN TXT "a" "b"').values == {NAME: ["ab"]}


def test_compressed_names_in_a_long_answer() -> None:
    names = [f"ns{n}.a-rather-long-name-of-a-provider-{n % 9}.example.test" for n in range(40)]
    records = [f"{NAME}. 0 IN NS {name}." for name in names]
    found = read(*query_of("NS"), *records)
    assert sorted(found.values[NAME]) == sorted(names)


@pytest.mark.parametrize("rcode", [1, 2, 3, 4, 5])
def test_zone_and_rcode_of_a_missing_name(rcode: int) -> None:
    found = read(*query_of("TXT"), zone="example.test.", rcode=rcode)
    assert (found.rcode, found.zone, found.values) == (rcode, "example.test", {})
    assert packets.RCODES[rcode] == dns.rcode.to_text(dns.rcode.Rcode(rcode))


def test_truncated_answer_is_not_read() -> None:
    query, wire = query_of("TXT")
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.TC
    assert packets.read(answer.to_wire()[:30], wire).is_truncated


def record(name: bytes, kind: int, content: bytes) -> bytes:
    return name + kind.to_bytes(2, "big") + b"\0\1\0\0\0\0" + len(content).to_bytes(2, "big") + content


HEAD = b"\0\1\x81\x80\0\1\0\1\0\0\0\0"
HERE = b"\xc0\x0c"
NO_PACKETS = {
    "a label of 64 bytes": record(HERE, 5, b"\x40" + b"x" * 64 + b"\0"),
    "a label of 100 bytes": record(HERE, 5, b"\x64" + b"x" * 100 + b"\0"),
    "a name of 256 bytes": record(HERE, 5, (b"\x3f" + b"x" * 63) * 4 + b"\0"),
    "a label beyond the packet": record(HERE, 5, b"\x09abc"),
    "a name without an end": record(HERE, 5, b"\x01a"),
    "a pointer forward": record(HERE, 5, b"\xc0\xff\0"),
    "a text beyond its record": record(HERE, 16, b"\x05ab"),
    "an address of three bytes": record(HERE, 1, b"abc"),
    "a record beyond the packet": record(HERE, 16, b"\x05abcde")[:-1],
    "half a record": record(HERE, 16, b"")[:-3],
}


@pytest.mark.parametrize("name", NO_PACKETS)
def test_malformed_packet_is_refused(name: str) -> None:
    wire = packets.name_wire(NAME)
    for kind in (1, 16):
        question = packets.question(wire, kind)
        if kind == int.from_bytes(NO_PACKETS[name][2:4], "big") or NO_PACKETS[name][3] == 5:
            with pytest.raises(packets.NoPacket):
                packets.read(HEAD + question + NO_PACKETS[name], question)


def test_maximum_length_of_names() -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(longest) == 253
    assert len(packets.name_wire(longest)) == 255
    for bad in (longest + "d", "x" * 64 + ".test", "a..test", ".test", ""):
        with pytest.raises(ValueError, match="has"):
            packets.name_wire(bad)
    assert packets.name_wire("a." + "b" * 63 + ".") == b"\1a\x3f" + b"b" * 63 + b"\0"
    question = packets.question(packets.name_wire(longest), 5)
    reported = packets.read(HEAD + question + record(HERE, 5, packets.name_wire(longest)), question)
    assert reported.values == {longest: [longest]}


def test_only_letters_change_their_case() -> None:
    wire = packets.name_wire("abcxyz.ABCXYZ.09-_@[`{")
    seen = [packets.shuffled(wire) for _ in range(100)]
    assert {one.lower() for one in seen} == {wire.lower()}
    for place, byte in enumerate(wire):
        both = {bytes([byte]).lower(), bytes([byte]).upper()}
        assert {one[place : place + 1] for one in seen} == both


def test_default_ports() -> None:
    plan = Plan()
    assert (plan.port, plan.authoritative_port) == (socket.getservbyname("https"), socket.getservbyname("domain"))


# ---------------------------------------------------------------------------------- certificates
def certificate(begins: int, ends: int, *issuer: tuple[x509.ObjectIdentifier, str]) -> x509.Certificate:
    key = pki.ec_key()
    name = x509.Name([x509.NameAttribute(kind, value) for kind, value in issuer])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2**158)
        .not_valid_before(datetime.datetime(begins, 2, 28, 23, 59, 58))
        .not_valid_after(datetime.datetime(ends, 12, 31, 1, 2, 3))
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize(("begins", "ends"), [(1999, 2049), (1950, 2050), (2024, 9999)])
@pytest.mark.parametrize("units", range(5))
def test_validity_and_issuer_of_a_certificate(begins: int, ends: int, units: int) -> None:
    long = "Ä long-winded Authority of the County " * 2
    told = [(NameOID.COUNTRY_NAME, "CH"), *[(NameOID.ORGANIZATIONAL_UNIT_NAME, "u" * 45)] * units]
    made = certificate(begins, ends, *told, (NameOID.ORGANIZATION_NAME, long[:64]), (NameOID.COMMON_NAME, "Root"))
    before, after, issuer, _ = validity(made.public_bytes(Encoding.DER))
    assert before == made.not_valid_before_utc.timestamp()
    assert after == made.not_valid_after_utc.timestamp()
    assert issuer == ",".join(["CN=Root", f"O={long[:64]}", *[f"OU={'u' * 45}"] * units, "C=CH"])


# ------------------------------------------------------------------------------------------- loop
def test_timers_work_while_thousands_are_cancelled() -> None:
    loop, called = Loop(), list[str]()

    async def wait() -> None:
        task = loop.running
        assert task
        task.limit(time.monotonic() + 0.1)
        try:
            await loop.pause()
        except Overdue:
            called.append("overdue")

    loop.call_at(time.monotonic() + 0.02, lambda: called.append("timer"))
    loop.spawn(wait())
    for timer in [loop.call_at(time.monotonic(), lambda: called.append("cancelled")) for _ in range(5000)]:
        loop.cancel(timer)
    loop.run(Deadline(5))
    loop.close()
    assert called == ["timer", "overdue"]
