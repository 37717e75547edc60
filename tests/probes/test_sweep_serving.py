"""A sweep's facts about servers: complete and partial responses, chains, and connections that fail."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from runbook_checks.probes.domains.sweep import Facts
from tests.misbehaving.http import whole
from tests.misbehaving.rogue import Zone
from tests.misbehaving.server import FakeServer, Visit
from tests.misbehaving.tls import serving
from tests.probes import pki
from tests.probes.test_sweep import BASE, OK, SHOP, Village, answering

Said = tuple[int, str | None, str | None] | str
JSON = b"Content-Type: application/json\r\n"
CODE = b'{"code": "GONE"}'


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    with ExitStack() as stack:
        yield Village(tmp_path, stack)


def failing(status: bytes, body: bytes, *headers: bytes, kind: bytes = JSON) -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + kind + b"".join(headers) + b"\r\n" + body


def length(size: int) -> bytes:
    return b"content-Length: %d\r\n" % size


LATER, STAYS = b"<later>", b"<stays>"  # the rest comes a little later; the connection stays open
FULL = length(len(CODE))
ANSWERS: dict[bytes, Said] = {
    b"HTTP/1.1 200 OK\r\n\r\n": (200, None, None),
    b"HTTP/1.0 204\r\n\r\n": (204, None, None),
    b"HTTP/1.1\r\n\r\n": "malformed-answer",
    b"HTTX/1.1 200 OK\r\n\r\n": "malformed-answer",
    b"HTTP/1.1 2x0 OK\r\n\r\n": "malformed-answer",
    b"HTTP/1.1 2000 OK\r\n\r\n": "malformed-answer",
    b"HTTP/1.1 20 OK\r\n\r\n": "malformed-answer",
    b"HTTP/1.1 200 OK\r\nX: y": "malformed-answer",
    b"HTTP/1.1 200 OK\r\nLocation: /x\r\n\r\n": (200, None, None),
    b"HTTP/1.1 300 Many\r\nX: /y\r\nlocation:  /x \r\n\r\n": (300, None, "/x"),
    b"HTTP/1.1 399 Odd\r\nLocation: /x\r\n\r\n": (399, None, "/x"),
    b"HTTP/1.1 302 Found\r\nX: /y\r\n\r\n": (302, None, None),
    b"HTTP/1.1 400 Bad\r\nLocation: /x\r\n\r\n": (400, None, None),
    failing(b"400 Bad", CODE, FULL): (400, "GONE", None),
    failing(b"500 Bad", b'{"error": {"code": "GONE"}}'): (500, "GONE", None),
    failing(b"503 Bad", b'{"detail": {"code": "GONE"}}'): (503, "GONE", None),
    failing(b"404 Bad", b'{"error": "x", "detail": {"code": 7}}'): (404, None, None),
    failing(b"404 Bad", b'[{"code": "GONE"}]'): (404, "GONE", None),
    failing(b"404 Bad", b'{"code": "%s"}' % (b"x" * 99)): (404, "x" * 80, None),
    failing(b"404 Bad", b"{" * 5000): (404, None, None),
    failing(b"404 Bad", b"no JSON"): (404, None, None),
    failing(b"200 OK", CODE, FULL): (200, None, None),
    failing(b"399 Odd", CODE, FULL): (399, None, None),
    failing(b"404 Bad", LATER + CODE, FULL): (404, "GONE", None),
    failing(b"404 Bad", CODE[:5] + LATER + CODE[5:], FULL): (404, "GONE", None),
    failing(b"404 Bad", CODE[:5] + LATER + CODE[5:] + STAYS, FULL): (404, "GONE", None),
    failing(b"500 Bad", CODE[:5] + LATER + CODE[5:]): (500, "GONE", None),
    failing(b"404 Bad", CODE, length(99)): (404, "GONE", None),
    failing(b"404 Bad", CODE[:5] + LATER + CODE[5:], length(10**12)): (404, "GONE", None),
    failing(b"404 Bad", CODE + b" " * 8192 + STAYS, length(10**12)): (404, "GONE", None),
    failing(b"404 Bad", STAYS, length(0), kind=b"Content-Type: text/html\r\n"): (404, None, None),
    failing(b"404 Bad", STAYS, length(0)): (404, None, None),
    failing(b"204 None", STAYS): (204, None, None),
}
BY_NAME = {f"x{n}.example.test": answer for n, answer in enumerate(ANSWERS)}


def by_name(visit: Visit) -> None:
    host = re.search(rb"\r\nHost: (\S+)", visit.request())
    assert host
    for number, part in enumerate(BY_NAME[host[1].decode()].split(LATER)):
        time.sleep(0.15 if number else 0)
        visit.say(part.replace(STAYS, b""))
        if STAYS in part:
            visit.stay_silent(8)
    visit.sock.settimeout(2)
    with suppress(OSError):
        visit.sock.unwrap()  # type: ignore[attr-defined]  # it is TLS, and this announces the end


def said(facts: Facts) -> Said:
    if facts.routed is not None:
        return facts.routed.status, facts.routed.code, facts.routed.location
    assert facts.gone is not None
    return facts.gone.kind


def test_facts_of_responses(village: Village) -> None:
    village.serve("*.example.test", then=by_name)
    zone: Zone = {(name, "A"): ["127.0.0.1"] for name in BY_NAME}
    facts = village.sweep(*BY_NAME, zone=zone, timeout_s=5.0).facts
    assert {BY_NAME[name]: said(one) for name, one in facts.items()} == ANSWERS


# ------------------------------------------------------------------------------ connections
def resetting(visit: Visit) -> None:
    visit.sock.recv(9)
    visit.reset()


def test_failed_connections_are_distinguished(village: Village) -> None:
    village.run(resetting, "127.0.0.8")
    village.run(lambda visit: visit.say(visit.sock.recv(65536)[:0]), "127.0.0.9")
    addresses = {"reset": "127.0.0.8", "closed": "127.0.0.9", "refused": "127.0.0.10", "many": "224.0.0.1",
                 "link": "fe80::1"}  # fmt: skip
    zone: Zone = {(f"{name}.test", "AAAA" if ":" in at else "A"): [at] for name, at in addresses.items()}
    facts = village.sweep(*(f"{name}.test" for name in addresses), zone=zone).facts
    found = {name: facts[f"{name}.test"].gone for name in addresses}
    assert {name: (gone.kind, gone.reason) for name, gone in found.items() if gone} == {
        "reset": ("connection-reset", "the connection was reset"),
        "closed": ("connection-reset", "the connection was closed before a response"),
        "refused": ("connection-refused", "the connection was refused"),
        "many": ("connect-timeout", "the address is unreachable"),
        "link": ("not-connected", "the connection failed (EINVAL)"),
    }


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_first_address_that_responds_counts_in_either_family(village: Village) -> None:
    village.serve(host="127.0.0.1")
    village.serve(host="::1")
    zone: Zone = {(SHOP, "CNAME"): [BASE], (BASE, "A"): ["127.0.0.1"], ("six.test", "AAAA"): ["::1"],
                  ("both.test", "A"): ["127.0.0.10"], ("both.test", "AAAA"): ["::1"]}  # fmt: skip
    facts = village.sweep(SHOP, "six.test", "both.test", zone=zone).facts
    peers = {name: one.served.peer if one.served else None for name, one in facts.items()}
    there = f"[::1]:{village.port}"
    assert peers == {SHOP: f"127.0.0.1:{village.port}", "six.test": there, "both.test": there}


# ----------------------------------------------------------------------------------- chains
def incomplete(village: Village, *names: str, aia: str | None = None) -> None:
    """A server that does not send its issuer."""
    made = pki.make("leaf", village.middle, names=names or (SHOP,), aia=aia)
    village.run(serving(*made.write(village.folder), answering(OK)))


def completed_by(facts: Facts) -> tuple[str | None, bool]:
    assert facts.served is not None
    handshake = facts.served.handshake
    assert handshake is not None
    return handshake.completed_by, handshake.trusted


def test_named_issuer_completes_a_chain_and_is_fetched_once(village: Village) -> None:
    der = village.middle.certificate.public_bytes(Encoding.DER)
    with FakeServer(answering(whole(der, "Content-Type: application/pkix-cert", "Connection: close"))) as issuer:
        incomplete(village, "*.example.test", aia=f"{issuer.url}/middle.cer")
        names = [f"x{n}.example.test" for n in range(5)]
        zone: Zone = {(name, "A"): ["127.0.0.1"] for name in names}
        facts = village.sweep(*names, zone=zone, at_once=1, timeout_s=4.0).facts
        visits = issuer.visits
    assert {completed_by(one) for one in facts.values()} == {("aia", False)}
    assert visits == 1


def stranger() -> pki.Made:
    return pki.make("Middle", pki.make("Root", is_ca=True), is_ca=True)


@pytest.mark.parametrize("content", [lambda: stranger().der, lambda: b"no certificate"], ids=["another", "none"])
def test_wrong_issuer_completes_nothing(village: Village, content: Callable[[], bytes]) -> None:
    with FakeServer(answering(whole(content(), "Connection: close"))) as issuer:
        incomplete(village, aia=f"{issuer.url}/middle.cer")
        facts = village.sweep(timeout_s=4.0).facts[SHOP]
        assert issuer.visits >= 1
    assert completed_by(facts) == (None, False)


def test_bundle_of_other_issuers_completes_nothing(village: Village) -> None:
    (village.folder / "strangers.pem").write_bytes(stranger().pem)
    incomplete(village)
    facts = village.sweep(intermediates_file=str(village.folder / "strangers.pem"), timeout_s=4.0).facts[SHOP]
    assert completed_by(facts) == (None, False)


def test_wrong_name_and_untrusted_chain_are_both_reported(village: Village) -> None:
    village.serve("other.example.test", days=(-30, -1))
    served = village.sweep().facts[SHOP].served
    assert served is not None
    assert served.handshake is not None
    assert (served.handshake.trusted, served.handshake.name_matches) == (False, False)
    assert served.handshake.verify_code == 10
