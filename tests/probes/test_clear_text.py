"""No password is sent in clear text to an unauthenticated server, whatever the server asks for.

Each stand-in keeps every byte that it receives, inside TLS too.
"""

from __future__ import annotations

import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_checks.inputs.address import may_hear
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.burst import fire
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.mysql.client import Mysql
from runbook_checks.probes.postgres.client import Postgres
from runbook_checks.probes.redis.client import Redis
from tests.misbehaving.mysqlwire import OK, greeting, packet
from tests.misbehaving.names import Nameserver
from tests.misbehaving.postgres import LET_IN, READY, SSL_REQUEST, message
from tests.misbehaving.server import FakeServer, Visit
from tests.probes import pki

PASSWORD = "k9-Never-In-Clear"
# An unused address (RFC 5737). A refusal comes before anything is sent there.
ELSEWHERE = "192.0.2.7"
WANTS_CLEAR = message(b"R", struct.pack("!I", 3))


class Server:
    """Keeps what it receives; with a certificate it speaks TLS."""

    def __init__(self, certificate: tuple[str, str] | None) -> None:
        self.received = b""
        self.context: ssl.SSLContext | None = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)

    def read(self, visit: Visit, at_most: int = 65536) -> bytes:
        block = visit.sock.recv(at_most)
        self.received += block
        if not block:
            raise ConnectionError
        return block

    def packet(self, visit: Visit) -> bytes:
        """One packet of MySQL's protocol, without what follows, which may be TLS."""
        block = self.read(visit, 4)
        size = int.from_bytes(block[:3], "little") + 4
        while len(block) < size:
            block += self.read(visit, size - len(block))
        return block

    def encrypt(self, visit: Visit) -> None:
        assert self.context is not None
        visit.sock = self.context.wrap_socket(visit.sock, server_side=True)


class PostgresServer(Server):
    """Asks for the password in clear text, in one piece or in two, and accepts any."""

    def __init__(self, certificate: tuple[str, str] | None, *, in_pieces: bool = False) -> None:
        super().__init__(certificate)
        self.in_pieces = in_pieces

    def __call__(self, visit: Visit) -> None:
        while struct.unpack("!I", self.read(visit, 8)[4:8])[0] == SSL_REQUEST:
            visit.say(b"S" if self.context else b"N")
            if self.context:
                self.encrypt(visit)
        self.read(visit)
        for part in (WANTS_CLEAR[:5], WANTS_CLEAR[5:]) if self.in_pieces else (WANTS_CLEAR,):
            visit.say(part)
            time.sleep(0.05 if self.in_pieces else 0)
        self.read(visit)
        visit.say(LET_IN + READY)
        while True:
            self.read(visit)


@pytest.fixture(scope="module")
def authority() -> pki.Made:
    return pki.make("Test CA", is_ca=True)


@pytest.fixture(scope="module")
def certificate(authority: pki.Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("pki")
    (folder / "ca.pem").write_bytes(authority.pem)
    return pki.make("db", authority, names=("127.0.0.1", "localhost")).write(folder)


@pytest.fixture(scope="module")
def ca_file(certificate: tuple[str, str]) -> str:
    return str(Path(certificate[0]).with_name("ca.pem"))


def refused(database: Postgres | Mysql) -> NoReading:
    with pytest.raises(NoReading) as caught:
        database.query("SELECT 1")
    assert PASSWORD not in f"{caught.value} {caught.value.evidence}"
    return caught.value


@pytest.mark.parametrize("in_pieces", [False, True], ids=["whole", "in-pieces"])
@pytest.mark.parametrize("mode", ["", "?sslmode=disable", "?sslmode=prefer", "?sslmode=allow"])
def test_postgres_without_tls(mode: str, in_pieces: bool) -> None:
    server = PostgresServer(None, in_pieces=in_pieces)
    with FakeServer(server) as place:
        dsn = f"postgresql://u:{PASSWORD}@127.0.0.1:{place.port}/d{mode}"
        gone = refused(Postgres(dsn, connect_timeout_s=2))
    assert gone.kind == "clear-text-refused"
    assert "sslmode=verify-full" in gone.reason
    assert PASSWORD.encode() not in server.received


@pytest.mark.parametrize("mode", ["require", "prefer", "verify-ca"])
def test_postgres_over_unverified_tls(certificate: tuple[str, str], mode: str) -> None:
    server = PostgresServer(certificate)
    with FakeServer(server) as place:
        dsn = f"postgresql://u:{PASSWORD}@127.0.0.1:{place.port}/d?sslmode={mode}"
        gone = refused(Postgres(dsn, connect_timeout_s=2))
    assert gone.kind == ("tls-failed" if mode == "verify-ca" else "clear-text-refused"), gone
    assert PASSWORD.encode() not in server.received


@pytest.mark.parametrize("words", ["!md5", "password", "password,md5"])
def test_postgres_has_no_parameter_that_allows_it(certificate: tuple[str, str], words: str) -> None:
    server = PostgresServer(certificate)
    with FakeServer(server) as place:
        dsn = f"postgresql://u:{PASSWORD}@127.0.0.1:{place.port}/d?sslmode=require&require_auth={words}"
        refused(Postgres(dsn, connect_timeout_s=2))
    assert PASSWORD.encode() not in server.received


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_postgres_with_a_verified_certificate_gets_the_password(
    certificate: tuple[str, str], ca_file: str, mode: str
) -> None:
    """Servers that forward a login (PAM, LDAP) need it."""
    server = PostgresServer(certificate)
    with FakeServer(server) as place:
        more = f"?sslmode={mode}&sslrootcert={ca_file}"
        refused(
            Postgres(
                f"postgresql://u:{PASSWORD}@127.0.0.1:{place.port}/d{more}",
                connect_timeout_s=2,
                statement_timeout_s=0.3,
            )
        )
    assert PASSWORD.encode() in server.received


@pytest.mark.parametrize("more", ["", "?sslmode=prefer", "?sslmode=allow"])
def test_postgres_on_another_machine_needs_a_decision(more: str) -> None:
    with Nameserver({"db.lab.test": [ELSEWHERE]}) as names:
        begun = time.monotonic()
        gone = refused(Postgres(f"postgresql://u:{PASSWORD}@db.lab.test/d{more}", resolver=names.address))
    assert gone.kind == "tls-undecided"
    assert "sslmode=verify-full" in gone.reason
    assert "sslmode=disable" in gone.reason
    assert time.monotonic() - begun < 2


class MysqlServer(Server):
    """Greets with one plugin and switches to another, then accepts anything."""

    def __init__(self, certificate: tuple[str, str] | None, first: str, then: bytes) -> None:
        super().__init__(certificate)
        self.first, self.then = first, then

    def __call__(self, visit: Visit) -> None:
        visit.say(greeting(plugin=self.first, tls=self.context is not None))
        block = self.packet(visit)
        if self.context is not None and len(block) == 36:  # the request for TLS
            self.encrypt(visit)
            block = self.packet(visit)
        number = block[3]
        for answer in (self.then, b"\x01-----BEGIN PUBLIC KEY-----\n", OK):
            visit.say(packet(number + 1, answer))
            number = self.packet(visit)[3]


PLUGINS = {
    "clear": ("mysql_native_password", b"\xfemysql_clear_password\0"),
    "dialog": ("mysql_native_password", b"\xfedialog\0\x02Password: "),
    "old": ("mysql_native_password", b"\xfemysql_old_password\0" + b"x" * 8 + b"\0"),
    "sha256": ("mysql_native_password", b"\xfesha256_password\0" + b"x" * 20 + b"\0"),
    "sha256-at-once": ("sha256_password", b"\x01\x04"),
    "caching-sha2-in-full": ("caching_sha2_password", b"\x01\x04"),
    "clear-after-sha2": ("caching_sha2_password", b"\xfemysql_clear_password\0"),
}


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("mode", ["DISABLED", "REQUIRED", "VERIFY_CA"])
def test_mysql(certificate: tuple[str, str], plugin: str, mode: str) -> None:
    server = MysqlServer(None if mode == "DISABLED" else certificate, *PLUGINS[plugin])
    with FakeServer(server) as place:
        dsn = f"mysql://u:{PASSWORD}@127.0.0.1:{place.port}/d?ssl-mode={mode}"
        gone = refused(Mysql(dsn, connect_timeout_s=2))
    expected = {"DISABLED": "tls-required", "REQUIRED": "clear-text-refused", "VERIFY_CA": "tls-failed"}
    assert gone.kind == expected[mode], gone
    assert PASSWORD.encode() not in server.received


def test_mysql_retries_over_tls_for_a_diagnosis_without_the_password(certificate: tuple[str, str]) -> None:
    class Diagnosed(MysqlServer):
        """Refuses without TLS, with the message of a wrong password, and wants everything over TLS."""

        def __call__(self, visit: Visit) -> None:
            visit.say(greeting(plugin=self.first, tls=True))
            block = self.packet(visit)
            if len(block) == 36:
                self.encrypt(visit)
                number = self.packet(visit)[3]
                visit.say(packet(number + 1, self.then))
                self.packet(visit)
            else:
                visit.say(packet(block[3] + 1, b"\xff\x15\x04#28000Access denied"))

    server = Diagnosed(certificate, *PLUGINS["clear"])
    with FakeServer(server) as place:
        gone = refused(Mysql(f"mysql://u:{PASSWORD}@127.0.0.1:{place.port}/d?ssl-mode=DISABLED", connect_timeout_s=2))
        assert place.visits == 2
    assert gone.kind == "authentication-failed"
    assert PASSWORD.encode() not in server.received


@pytest.mark.parametrize("plugin", ["clear", "caching-sha2-in-full"])
def test_mysql_with_a_verified_certificate_gets_the_password(
    certificate: tuple[str, str], ca_file: str, plugin: str
) -> None:
    server = MysqlServer(certificate, *PLUGINS[plugin])
    with FakeServer(server) as place:
        refused(Mysql(f"mysql://u:{PASSWORD}@127.0.0.1:{place.port}/d", ca_file=ca_file, connect_timeout_s=2))
    assert PASSWORD.encode() in server.received


@pytest.fixture
def resolver() -> Iterator[str]:
    with Nameserver({"far.lab.test": [ELSEWHERE]}) as names:
        yield names.address


@pytest.mark.parametrize("host", ["far.lab.test", ELSEWHERE, f"[::ffff:{ELSEWHERE}]"])
def test_redis_on_another_machine(resolver: str, host: str) -> None:
    with pytest.raises(NoReading) as caught:
        Redis(f"redis://u:{PASSWORD}@{host}:1", timeout_s=2, resolver=resolver, ca_file=None).look()
    assert caught.value.kind == "clear-text-refused"
    assert "rediss://" in caught.value.reason
    assert "clear_text" in caught.value.reason


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (f"http://u:{PASSWORD}@far.lab.test:1", {}),
        ("http://far.lab.test:1", {"Authorization": f"Bearer {PASSWORD}"}),
        ("http://far.lab.test:1", {"X-Gateway-Token": PASSWORD}),
    ],
)
def test_http_on_another_machine(resolver: str, url: str, headers: dict[str, str]) -> None:
    with pytest.raises(NoReading) as caught:
        Http(url, headers=headers, resolver=resolver).get("/")
    assert caught.value.kind == "clear-text-refused"
    assert "https://" in caught.value.reason
    assert "clear_text" in caught.value.reason


def test_a_login_in_the_body(resolver: str) -> None:
    with pytest.raises(NoReading) as caught:
        Http("http://far.lab.test:1", resolver=resolver).send("POST", "/login", body=b"{}", is_login=True)
    assert caught.value.kind == "clear-text-refused"


@pytest.mark.parametrize("url", ["https://service.lab.test", "http://service.lab.test"])
def test_a_proxy_on_another_machine(resolver: str, url: str) -> None:
    proxy = f"http://u:{PASSWORD}@far.lab.test:3128"
    with pytest.raises(NoReading) as caught:
        Http(url, proxy=proxy, resolver=resolver).get("/")
    assert caught.value.kind == "clear-text-refused"


def test_local_proxy_to_a_remote_host() -> None:
    server = Server(None)
    with (
        FakeServer(lambda visit: visit.say(server.read(visit)[:0])) as proxy,
        pytest.raises(NoReading) as caught,
    ):
        Http("http://far.lab.test", headers={"Authorization": PASSWORD}, proxy=proxy.url).get("/")
    assert caught.value.kind == "clear-text-refused"
    assert server.received == b""


def test_a_burst_with_a_token(resolver: str) -> None:
    headers = {"X-Gateway-Token": PASSWORD}
    http = Http("http://far.lab.test:1", headers=headers, resolver=resolver)
    with pytest.raises(NoReading) as caught:
        fire(http, "/x", per_s=1, seconds=0.1, callers=1)
    assert caught.value.kind == "clear-text-refused"


@pytest.mark.parametrize(
    ("peer", "host", "clear_text", "may"),
    [
        ("127.0.0.1", "x", (), True),
        ("127.9.9.9", "x", (), True),
        ("::1", "x", (), True),
        ("::ffff:127.0.0.1", "x", (), True),
        ("10.0.0.5", "redis", (), False),
        ("10.0.0.5", "redis", ("redis",), True),
        ("10.0.0.5", "Redis", ("REDIS",), True),
        ("10.0.0.5", "redis", ("10.0.0.0/24",), True),
        ("10.0.0.5", "redis", ("10.0.0.5",), True),
        ("10.0.1.5", "redis", ("10.0.0.0/24", "other"), False),
        ("8.8.8.8", "127.0.0.1", (), False),
        ("fd00::1", "x", ("fd00::/8",), True),
    ],
)
def test_where_clear_text_may_go(peer: str, host: str, clear_text: tuple[str, ...], may: bool) -> None:
    assert may_hear(peer, host, clear_text) == may
