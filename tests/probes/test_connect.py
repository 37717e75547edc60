"""The choice among a name's addresses, and the time that a silent one costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.net.connect import Connected, connect, join
from tests.misbehaving.names import Nameserver
from tests.misbehaving.server import REGISTRY, BlackHole, FakeServer, refusing_port
from tests.probes.conftest import taking

ZONE = {
    "two.shop.test": ["127.0.0.2", "127.0.0.1"],
    "three.shop.test": ["127.0.0.3", "127.0.0.2", "127.0.0.1"],
    "one.shop.test": ["127.0.0.2"],
}


@pytest.fixture
def resolver() -> Iterator[str]:
    with Nameserver(ZONE) as server:
        yield server.address


def connected(host: str, port: int, resolver: str | None, within_s: float = 5, **more: object) -> Connected:
    usual = {"connect_timeout_s": 0.5, "resource": "http"} | more
    found = connect(host, port, resolver=resolver, deadline=Deadline(within_s), **usual)  # type: ignore[arg-type]
    found.sock.close()
    return found


def test_silent_address_is_tried_last_afterwards(resolver: str) -> None:
    with FakeServer(REGISTRY["http.healthy"]) as alive, BlackHole("127.0.0.2", alive.port) as silent:
        with taking(0.7, 0.5):
            first = connected("two.shop.test", alive.port, resolver)
        assert first.peer == f"127.0.0.1:{alive.port}"
        assert first.connect_ms >= 500
        with taking(0.1):
            assert connected("two.shop.test", alive.port, resolver).connect_ms < 400
        with taking(0.7, 0.5):
            as_others = connected("two.shop.test", alive.port, resolver, as_served=True)
        assert as_others.connect_ms >= 500
        silent_port = silent.port
    with FakeServer(REGISTRY["http.healthy"], "127.0.0.2", silent_port) as back:
        assert connected("one.shop.test", back.port, resolver).peer == f"127.0.0.2:{back.port}"
        with FakeServer(REGISTRY["http.healthy"], "127.0.0.1", silent_port):
            assert connected("two.shop.test", back.port, resolver).peer == f"127.0.0.2:{back.port}"


def test_each_address_gets_its_share_of_the_remaining_time(resolver: str) -> None:
    with FakeServer(REGISTRY["http.healthy"]) as alive, ExitStack() as stack:
        for host in ("127.0.0.3", "127.0.0.2"):
            stack.enter_context(BlackHole(host, alive.port))
        with taking(2.4, 2.0):
            found = connected("three.shop.test", alive.port, resolver, 3, connect_timeout_s=9)
        assert found.peer == f"127.0.0.1:{alive.port}"
        begun = time.monotonic()
        with pytest.raises(NoReading) as caught:
            connected("three.shop.test", alive.port, resolver, 1.5, connect_timeout_s=9, as_served=True)
        assert time.monotonic() - begun < 2.5
    assert caught.value.kind == "connect-timeout"


def test_one_silent_address_counts_more_than_those_that_refuse(resolver: str) -> None:
    with refusing_port("127.0.0.1") as port, BlackHole("127.0.0.2", port), pytest.raises(NoReading) as caught:
        connected("two.shop.test", port, resolver)
    assert caught.value.kind == "connect-timeout"
    assert set(caught.value.evidence["tried"]) == {"127.0.0.1", "127.0.0.2"}
    with refusing_port() as port, pytest.raises(NoReading) as caught:
        connected("127.0.0.1", port, None)
    assert (caught.value.kind, caught.value.evidence["port"]) == ("connection-refused", port)


def test_addresses_are_written_as_addresses_are() -> None:
    assert (join("::1", 80), join("10.0.0.1", 80), join("a.test", 80)) == ("[::1]:80", "10.0.0.1:80", "a.test:80")


def test_an_address_of_version_6() -> None:
    with FakeServer(REGISTRY["http.healthy"], "::1") as server:
        assert connected("::1", server.port, None).peer == f"[::1]:{server.port}"


def test_unroutable_address_counts_as_silent() -> None:
    """TCP has no multicast, and a link-local address needs its interface."""
    with pytest.raises(NoReading) as caught:
        connected("224.0.0.1", 80, None)
    assert (caught.value.kind, "no route" in caught.value.reason) == ("connect-timeout", True)
    with pytest.raises(NoReading) as caught:
        connected("fe80::1", 80, None)
    assert (caught.value.kind, "EINVAL" in caught.value.reason) == (None, True)


def test_measurement_uses_a_new_connection_and_delays_no_other(resolver: str) -> None:
    with FakeServer(REGISTRY["http.healthy"]) as alive, BlackHole("127.0.0.2", alive.port):
        http = Http(f"http://two.shop.test:{alive.port}", resolver=resolver, connect_timeout_s=0.5)
        took = [http.get("/", fresh=True).timings.connect_ms or 0.0 for _ in range(2)]
        took += [http.send("POST", "/").timings.connect_ms or 0.0, http.get("/").timings.connect_ms or 0.0]
    assert [ms >= 500 for ms in took] == [True, True, False, False]
