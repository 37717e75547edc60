"""Addresses named by a far end: which are connected to, and which never are."""

from __future__ import annotations

import ipaddress

import pytest

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.net.far_ends import FarEnds, is_plain_http, is_public
from runbook_checks.probes.tls.aia import from_aia
from tests.hostile.services import always
from tests.misbehaving.http import whole
from tests.misbehaving.rogue import Rogue
from tests.misbehaving.server import FakeServer
from tests.probes import pki
from tests.probes.conftest import HERE

INTERNAL = [
    *(
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "127.8.8.8",
        str(ipaddress.IPv4Address(0)),
        "169.254.169.254",
        "100.100.100.200",
    ),
    *("168.63.129.16", "192.0.0.192", "198.18.0.1", "192.88.99.1", "224.0.0.1", "255.255.255.255", "203.0.113.7"),
    *("::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378::1", "fd00:ec2::254", "fc00::1", "fe80::1", "fe80::1%lo"),
    *("fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1"),
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_address_is_not_followed(address: str) -> None:
    assert not is_public(address)
    assert not FarEnds(("198.51.100.0/24",)).may_dial(address, 80)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_followed(address: str) -> None:
    assert FarEnds().may_dial(address, 8443)
    assert FarEnds(public_port=80).may_dial(address, 80)
    assert not FarEnds(public_port=80).may_dial(address, 8443)


def test_range_of_the_environment_is_followed_at_every_port() -> None:
    office = FarEnds(("10.0.0.0/8", "fd00::/8"), public_port=80)
    assert office.may_dial("10.1.2.3", 9090)
    assert office.may_dial("fd00::1", 9090)
    assert not office.may_dial("192.168.0.1", 80)


# Python's resolver and a resolver of the tests: the resulting address counts.
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]"])
def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    with FakeServer(always(whole(b"secret"))) as server, pytest.raises(NoReading) as caught:
        Http(f"http://{host}:{server.port}", far_ends=FarEnds(), timeout_s=2).get("/")
    assert (caught.value.kind, server.visits) == ("address-refused", 0)
    assert "far_ends.allow" in caught.value.reason


def test_checked_address_is_the_one_that_is_connected_to() -> None:
    """A name that has first a public and then an internal address is resolved once."""
    with (
        FakeServer(always(whole(b"secret"))) as server,
        Rogue({("rebind.test", "A"): ["127.0.0.1"]}) as resolver,
    ):
        url = f"http://rebind.test:{server.port}"
        with pytest.raises(NoReading) as caught:
            Http(url, far_ends=FarEnds(), resolver=resolver.address, timeout_s=2).get("/")
        assert (caught.value.kind, server.visits) == ("address-refused", 0)
        assert Http(url, far_ends=HERE, resolver=resolver.address, timeout_s=2).get("/").body == b"secret"
        mixed = Rogue({("mixed.test", "A"): ["127.0.0.1", "127.0.0.2"]})
        with mixed:
            only = Http(f"http://mixed.test:{server.port}", far_ends=FarEnds(("127.0.0.1/32",)), resolver=mixed.address)
            assert only.get("/", fresh=True).peer == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "url",
    [
        *("https://ca.test/a", "ftp://ca.test/a", "file:///etc/passwd", "http:///a", "http://user@ca.test/a"),
        *("http://user:word@ca.test/a", "http://ca.test/a?b=c", "http://ca.test/?", "http://ca.test/#a"),
        *("http://ca.test:port/", "http://ca.test\\@127.0.0.1/", "//ca.test/a", ""),
    ],
)
def test_address_of_an_issuer_is_plain(url: str) -> None:
    assert not is_plain_http(url)


def test_certificate_causes_no_request_to_an_internal_address() -> None:
    """The server records every request: none arrives, unless the environment allows its range."""
    root = pki.make("Root", is_ca=True)
    middle = pki.make("Middle", root, is_ca=True)
    with FakeServer(always(whole(middle.pem, "Connection: close"))) as shelf:
        plain = f"http://127.0.0.1:{shelf.port}/ca"
        for url in (plain, f"http://localhost:{shelf.port}/ca", f"http://2130706433:{shelf.port}/ca"):
            leaf = pki.make("leaf", middle, aia=url)
            assert from_aia([leaf.der], "tls", None, Deadline(2), FarEnds()) == []
        for url in (f"{plain}?token=1", f"http://a:b@127.0.0.1:{shelf.port}/ca"):
            leaf = pki.make("leaf", middle, aia=url)
            assert from_aia([leaf.der], "tls", None, Deadline(2), HERE) == []
        assert shelf.visits == 0
        assert from_aia([pki.make("leaf", middle, aia=plain).der], "tls", None, Deadline(2), HERE) == [middle.der]
        assert shelf.visits == 1


def test_redirect_of_an_issuer_is_not_followed() -> None:
    root = pki.make("Root", is_ca=True)
    middle = pki.make("Middle", root, is_ca=True)
    with FakeServer(always(whole(middle.pem, "Connection: close"))) as inner:
        away = whole(b"", f"Location: http://127.0.0.1:{inner.port}/ca", "Connection: close", status="302 Found")
        with FakeServer(always(away)) as shelf:
            leaf = pki.make("leaf", middle, aia=f"http://127.0.0.1:{shelf.port}/ca")
            assert from_aia([leaf.der], "tls", None, Deadline(2), HERE) == []
        assert (shelf.visits, inner.visits) == (1, 0)
        own = whole(b"", "Location: /ca?a=b", "Connection: close", status="302 Found")
        with FakeServer(always(own)) as shelf:
            leaf = pki.make("leaf", middle, aia=f"http://127.0.0.1:{shelf.port}/ca")
            assert from_aia([leaf.der], "tls", None, Deadline(2), HERE) == []
        assert shelf.visits == 1
