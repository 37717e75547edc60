"""Addresses of a name, from correct and misbehaving name servers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import dns.rcode
import pytest

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.net.resolve import MOST_S, resolve
from runbook_checks.probes.postgres.client import Postgres
from runbook_checks.probes.tls.server import look
from tests.misbehaving import names
from tests.misbehaving.names import Nameserver, Rule
from tests.misbehaving.server import REGISTRY, BlackHole, FakeServer, refusing_port
from tests.probes.conftest import taking

ZONE = {
    "cs.lab.test": ["127.0.0.3", "127.0.0.2"],
    "both.lab.test": ["::1", "127.0.0.1"],
    "six.lab.test": ["::1"],
    "empty.lab.test": [],
    "alias.lab.test": ["->alias2.lab.test"],
    "alias2.lab.test": ["->cs.lab.test"],
    "dangling.lab.test": ["->gone.lab.test"],
    "loop.lab.test": ["->loop2.lab.test"],
    "loop2.lab.test": ["->loop.lab.test"],
    "self.lab.test": ["->self.lab.test"],
    "two.lab.test": ["127.0.0.2", "127.0.0.1"],
}
Serve = Callable[..., Nameserver]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(rule: Rule | None = None, delay_s: float = 0) -> Nameserver:
            return stack.enter_context(Nameserver(ZONE, rule, delay_s))

        yield start


def ask(server: Nameserver, host: str, seconds: float = 2.0) -> list[str]:
    return resolve(host, resolver=server.address, deadline=Deadline(seconds))


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("cs.lab.test", ["127.0.0.3", "127.0.0.2"]),
        ("CS.Lab.Test.", ["127.0.0.3", "127.0.0.2"]),
        ("both.lab.test", ["127.0.0.1", "::1"]),
        ("six.lab.test", ["::1"]),
        ("alias.lab.test", ["127.0.0.3", "127.0.0.2"]),
        ("192.0.2.7", ["192.0.2.7"]),
        ("[2001:db8::1]", ["2001:db8::1"]),
        ("localhost", ["127.0.0.1", "::1"]),
    ],
)
@pytest.mark.parametrize("rule", [None, names.truncated, names.without_targets], ids=["plain", "tcp", "targets-apart"])
def test_addresses(serve: Serve, host: str, addresses: list[str], rule: Rule | None) -> None:
    assert ask(serve(rule), host) == addresses


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("missing.lab.test", "NXDOMAIN"),
        ("empty.lab.test", "NODATA"),
        ("dangling.lab.test", "NXDOMAIN"),
        ("loop.lab.test", "CNAME loop"),
        ("self.lab.test", "CNAME loop"),
        ("a" * 64 + ".test", "not a valid host name"),
        ("a..b", "not a valid host name"),
    ],
)
def test_reasons_for_a_name_without_an_address(serve: Serve, host: str, words: str) -> None:
    with taking(1), pytest.raises(NoReading, match=words) as caught:
        ask(serve(), host)
    assert caught.value.kind == "name-not-resolved"


@pytest.mark.parametrize(
    ("rule", "words", "at_most"),
    [
        (names.failing(dns.rcode.SERVFAIL), "SERVFAIL", 0.3),
        (names.failing(dns.rcode.REFUSED), "REFUSED", 0.3),
        (names.silently, "timeout", 0.8),
        (names.garbled, "timeout", 0.8),
        (names.for_another_query, "timeout", 0.8),
    ],
    ids=["servfail", "refused", "silent", "garbled", "another-id"],
)
def test_useless_name_servers(serve: Serve, rule: Rule, words: str, at_most: float) -> None:
    with taking(at_most), pytest.raises(NoReading, match=words) as caught:
        ask(serve(rule), "cs.lab.test", 0.5)
    assert caught.value.kind == "name-not-resolved"


def test_silent_resolver_times_out_before_a_late_deadline(serve: Serve) -> None:
    with taking(MOST_S + 0.5, at_least_s=MOST_S), pytest.raises(NoReading, match="timeout"):
        ask(serve(names.silently), "cs.lab.test", 60)


def test_slow_name_server_is_waited_for_and_queried_again(serve: Serve) -> None:
    server = serve(delay_s=1.3)
    with taking(2.5, at_least_s=1.2):
        assert ask(server, "cs.lab.test", 4) == ["127.0.0.3", "127.0.0.2"]
    assert server.queries == ["cs.lab.test. A", "cs.lab.test. AAAA"] * 2 + [". NS"]


def test_one_family_does_not_wait_for_the_other(serve: Serve) -> None:
    with taking(0.4):
        assert ask(serve(names.only("A")), "cs.lab.test", 4) == ["127.0.0.3", "127.0.0.2"]


def test_closed_resolver_port_is_reported_at_once() -> None:
    with refusing_port() as port, taking(0.5), pytest.raises(NoReading, match="no server listens"):
        resolve("cs.lab.test", resolver=f"127.0.0.1:{port}", deadline=Deadline(5))


@pytest.mark.parametrize("bad", ["", "not-an-address", "127.0.0.1:x", "[::1"])
def test_resolver_that_is_not_an_address(bad: str) -> None:
    with pytest.raises(NoReading, match="resolver is not an address"):
        resolve("cs.lab.test", resolver=bad, deadline=Deadline(1))


def test_the_system_s_resolver() -> None:
    assert "127.0.0.1" in resolve("localhost", deadline=Deadline(2))
    with pytest.raises(NoReading) as caught:
        resolve("does-not-exist.invalid", deadline=Deadline(5))
    assert caught.value.kind == "name-not-resolved"


def test_system_resolver_respects_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hangs(*_: object, **__: object) -> None:
        release.wait(10)
        raise socket.gaierror(-3, "Temporary failure")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    before = threading.active_count()
    for _ in range(20):
        with taking(0.3), pytest.raises(NoReading, match="timeout"):
            resolve("hangs.test", deadline=Deadline(0.05))
    assert threading.active_count() <= before + 1
    release.set()


def test_cancelling_ends_the_query(serve: Serve) -> None:
    deadline = Deadline(20)
    threading.Timer(0.2, deadline.expire).start()
    with taking(0.6), pytest.raises(NoReading, match="timeout"):
        resolve("cs.lab.test", resolver=serve(names.silently).address, deadline=deadline)


def test_a_black_holed_first_address_costs_its_share_only(serve: Serve) -> None:
    server = serve()
    with (
        FakeServer(REGISTRY["http.healthy"]) as alive,
        BlackHole("127.0.0.2", alive.port),
        taking(1.6, at_least_s=0.9),
    ):
        answer = Http(f"http://two.lab.test:{alive.port}", resolver=server.address, timeout_s=2).get("/")
    assert answer.peer == f"127.0.0.1:{alive.port}"
    assert answer.timings.connect_ms is not None
    assert answer.timings.connect_ms > 900
    assert answer.timings.first_byte_ms < 500


def test_slow_names_are_distinguished_from_slow_servers(serve: Serve) -> None:
    with FakeServer(REGISTRY["http.healthy"]) as alive:
        http = Http(f"http://two.lab.test:{alive.port}", resolver=serve(delay_s=0.3).address)
        with pytest.raises(NoReading, match="refused"):
            Http(f"http://cs.lab.test:{alive.port}", resolver=serve().address).get("/")
        times = http.get("/", fresh=True).timings
    assert times.dns_ms is not None
    assert times.connect_ms is not None
    assert times.dns_ms > 280
    assert times.connect_ms < 200


def test_every_refused_address_is_reported(serve: Serve) -> None:
    with refusing_port() as port, pytest.raises(NoReading) as caught:
        Http(f"http://two.lab.test:{port}", resolver=serve().address).get("/")
    assert caught.value.kind == "connection-refused"
    assert caught.value.evidence["tried"] == dict.fromkeys(("127.0.0.2", "127.0.0.1"), "refused the connection")


def test_postgres_and_tls_use_the_same_resolver(serve: Serve) -> None:
    server = serve()
    with FakeServer(REGISTRY["postgres.starting-up"]) as alive, BlackHole("127.0.0.2", alive.port):
        dsn = f"postgresql://u:p@two.lab.test:{alive.port}/d"
        with taking(2.2, at_least_s=0.9), pytest.raises(NoReading) as caught:
            Postgres(dsn, resolver=server.address, connect_timeout_s=2).query("SELECT 1")
    assert (caught.value.kind, caught.value.evidence["peer"]) == ("starting-up", f"127.0.0.1:{alive.port}")
    for reader in (
        lambda: Postgres("postgresql://u:p@missing.lab.test/d", resolver=server.address).query("SELECT 1"),
        lambda: look("missing.lab.test", 443, resolver=server.address),
        lambda: Http("https://missing.lab.test", resolver=server.address).get("/"),
    ):
        with pytest.raises(NoReading) as missing:
            reader()
        assert missing.value.kind == "name-not-resolved"


def test_the_time_of_a_slow_name_counts(serve: Serve) -> None:
    begun = time.monotonic()
    with pytest.raises(NoReading) as caught:
        Http("http://cs.lab.test", resolver=serve(names.silently).address, timeout_s=0.5).get("/")
    assert time.monotonic() - begun < 1
    assert caught.value.kind == "name-not-resolved"


def blamed(server: Nameserver, host: str = "cs.lab.test", seconds: float = 2.0) -> str | None:
    with pytest.raises(NoReading) as gone:
        ask(server, host, seconds)
    assert gone.value.kind == "name-not-resolved"
    state = gone.value.evidence.get("resolver_state")
    assert (state is None) == ("resolver" not in gone.value.evidence)
    return state


def test_error_of_the_name_is_not_blamed_on_the_resolver(serve: Serve) -> None:
    assert blamed(serve(), "empty.lab.test") is None
    assert blamed(serve(), "nowhere.lab.test") is None


def test_silence_about_one_name_is_distinguished_from_a_silent_resolver(serve: Serve) -> None:
    """A resolver that answers for the root zone's name servers, or refuses to, is reachable."""

    def silent_about_it(query: names.Message, reply: names.Message, by_tcp: bool) -> bytes | None:
        return None if str(query.question[0].name) == "cs.lab.test." else names.plainly(query, reply, by_tcp)

    assert blamed(serve(silent_about_it)) == "failing"
    assert blamed(serve(lambda *_: None)) == "silent"
    assert blamed(serve(lambda *_: None), seconds=0.3) == "failing", "there was no time for a diagnosis"


def test_refused_query_leaves_the_cause_open(serve: Serve) -> None:
    assert blamed(serve(names.failing(dns.rcode.SERVFAIL))) == "failing"
