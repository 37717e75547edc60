"""Whatever bytes a far end sends, in each protocol, a probe returns a reading or a reason."""

from __future__ import annotations

import gzip
import io
import re
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache

import dns.message
import dns.rcode
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from runbook_checks.probes.backups.dumps import inspect
from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.domains.greeting import Greeter, Lost
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.mysql.client import Mysql
from runbook_checks.probes.net import dns_packets as packets
from runbook_checks.probes.postgres import authentication as pgwire
from runbook_checks.probes.postgres.client import Postgres
from runbook_checks.probes.redis.client import Redis
from runbook_checks.probes.tls.aia import Fetching, _fetch, _parsed
from runbook_checks.probes.tls.certificate import ascii_name, covers, read, validity
from tests.fuzz.fuzz import any_bytes, bounded, fuzzed, holding, mangled
from tests.misbehaving.http import whole
from tests.misbehaving.mysqlwire import OK, greeting, packet, received, rows_of
from tests.misbehaving.postgres import LET_IN, READY, begin, next_message, row, row_description, startup
from tests.misbehaving.redis import PONG, info
from tests.misbehaving.server import FakeServer, Visit


class Script:
    """A server that sends the configured bytes after a request."""

    def __init__(self, talk: Callable[[Visit, bytes], None]) -> None:
        self.says = b""
        self._talk = talk

    def __call__(self, visit: Visit) -> None:
        visit.sock.settimeout(2)
        with suppress(Exception):
            self._talk(visit, self.says)


@contextmanager
def serving(talk: Callable[[Visit, bytes], None]) -> Iterator[tuple[Script, FakeServer]]:
    script = Script(talk)
    with FakeServer(script) as server:
        yield script, server


# ------------------------------------------------------------------ HTTP
ANSWERS = (
    whole(b'{"status":"UP"}', "Content-Type: application/json", "Date: Mon, 04 May 2026 13:44:39 GMT"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n{\"a\":\r\n2\r\n1}\r\n0\r\nX-T: 1\r\n\r\n",
    whole(gzip.compress(b"{}"), "Content-Encoding: gzip"),
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole(b"", "Location: /b?c#d", status="302 Found"),
    b"HTTP/1.0 200\r\n\r\nuntil the end",
)  # fmt: skip


def test_http() -> None:
    def talk(visit: Visit, says: bytes) -> None:
        visit.request()
        visit.say(says)

    with serving(talk) as (script, server), bounded():

        @fuzzed(250)
        @given(st.one_of(mangled(*ANSWERS), mangled(*ANSWERS), any_bytes()))
        def fuzz(says: bytes) -> None:
            script.says = says
            http = Http(server.url, timeout_s=1.0, max_body=4096)
            with holding(says):
                answer = http.send("GET", "/a")
                assert len(answer.body) <= 4096
                _ = answer.text, str(answer)
                answer.json()

        fuzz()


# ------------------------------------------------------------------ DNS
def dns_answers() -> tuple[bytes, ...]:
    query = dns.message.make_query("shop.example.com", "A")
    query.id = 0
    full = dns.message.make_response(query)
    for owner, kind, value in (
        ("shop.example.com.", "CNAME", "apps.example.net."), ("apps.example.net.", "A", "192.0.2.7"),
    ):  # fmt: skip
        full.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, value))
    text = dns.message.make_response(query)
    text.answer.append(dns.rrset.from_text("shop.example.com.", 60, "IN", "TXT", '"token" "more"'))
    none = dns.message.make_response(query)
    none.set_rcode(dns.rcode.NXDOMAIN)
    none.authority.append(dns.rrset.from_text("example.com.", 60, "IN", "SOA", "a. b. 1 2 3 4 5"))
    return tuple(message.to_wire() for message in (full, text, none))


@fuzzed(800)
@given(st.one_of(mangled(*dns_answers()), mangled(*dns_answers()), any_bytes()), st.sampled_from((1, 5, 16, 28, 2)))
def test_dns_packets_of_a_sweep(wire: bytes, kind: int) -> None:
    asked = packets.question(packets.name_wire("shop.example.com"), kind)
    with holding(wire, packets.NoPacket):
        packet = packets.read(wire, asked)
        for values in packet.values.values():
            assert all(isinstance(value, str) for value in values)


# ------------------------------------------------------------------ Redis
def test_redis() -> None:
    def talk(visit: Visit, says: bytes) -> None:
        while seen := visit.sock.recv(4096):
            visit.say(says if b"INFO" in seen else PONG)
            if b"INFO" in seen:
                return

    with serving(talk) as (script, server), bounded():

        @fuzzed(250)
        @given(st.one_of(mangled(info()), mangled(info()), any_bytes(80)))
        def fuzz(says: bytes) -> None:
            script.says = says
            with holding(says):
                Redis(server.url.replace("http", "redis"), timeout_s=1.0, resolver=None, ca_file=None).look()

        fuzz()


# ------------------------------------------------------------------ MySQL and PostgreSQL
def fuzz_query(
    talk: Callable[[Visit, bytes], None], right: bytes, examples: int, database: Callable[[int], Mysql | Postgres]
) -> None:
    """Run a statement on a server, at a port, that sends modified correct responses, or anything."""
    with serving(talk) as (script, server), bounded():

        @fuzzed(examples)
        @given(st.one_of(mangled(right), mangled(right), any_bytes(120)))
        def fuzz(says: bytes) -> None:
            script.says = says
            asked = database(server.port)
            with holding(says):
                asked.query("SELECT 1")
            asked.close()

        fuzz()


def mysql(port: int, connect_timeout_s: float) -> Mysql:
    url = f"mysql://u:password@127.0.0.1:{port}/d?ssl-mode=DISABLED"
    return Mysql(url, connect_timeout_s=connect_timeout_s, statement_timeout_s=0.1)


def postgres(port: int) -> Postgres:
    url = f"postgresql://u:password@127.0.0.1:{port}/d"
    return Postgres(url, connect_timeout_s=0.3, statement_timeout_s=0.1)


def test_mysql_before_the_first_statement() -> None:
    def talk(visit: Visit, says: bytes) -> None:
        visit.say(says)
        visit.sock.recv(4096)
        visit.say(packet(2, OK))

    fuzz_query(talk, greeting(plugin="mysql_native_password"), 100, lambda port: mysql(port, 0.1))


def test_mysql_rows() -> None:
    def talk(visit: Visit, says: bytes) -> None:
        visit.say(greeting(plugin="mysql_native_password"))
        number, _ = received(visit)
        visit.say(packet(number + 1, OK))
        while True:
            _, asked = received(visit)
            if b"SELECT" in asked:
                visit.say(says)
                return
            visit.say(packet(1, OK))

    right = rows_of(("one", "two"), ("1", "2026-01-01"), ("22", "x"))
    fuzz_query(talk, right, 150, lambda port: mysql(port, 1.0))


def test_postgres_before_and_within_the_first_statement() -> None:
    def before(visit: Visit, says: bytes) -> None:
        startup(visit)
        visit.say(says)

    def within(visit: Visit, says: bytes) -> None:
        begin(visit)
        while next_message(visit)[0] != b"S":
            pass
        visit.say(says)

    signed_in = LET_IN + READY
    rows = b"1\0\0\0\x04" + b"2\0\0\0\x04" + row_description() + row(b"one") + b"C\0\0\0\x0dSELECT 1\0" + READY
    for talk, right in ((before, signed_in), (within, rows)):
        fuzz_query(talk, right, 120, postgres)


@fuzzed(500)
@given(st.one_of(mangled(LET_IN + READY), any_bytes()))
def test_postgres_look_ahead(data: bytes) -> None:
    with holding(data):
        pgwire.sqlstate(data)
        pgwire.hashing_rounds(data)


# ------------------------------------------------------------------ certificates
@cache
def certificates() -> tuple[bytes, ...]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

    made = []
    for common in ("shop.example.com", "\u00fc" * 20):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        where = x509.UniformResourceIdentifier("http://aia.example.com/ca.der")
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(7).not_valid_before(begin).not_valid_after(begin + timedelta(90))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.example.com"),
                           x509.IPAddress(__import__("ipaddress").ip_address("192.0.2.1")),
                           x509.RFC822Name("a@example.com")]), critical=False)
            .add_extension(x509.AuthorityInformationAccess([
                x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)]), critical=False)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        made.append(certificate.public_bytes(Encoding.DER))
    return tuple(made)


@fuzzed(1000)
@given(st.one_of(mangled(*certificates()), mangled(*certificates()), any_bytes()))
def test_certificates(der: bytes) -> None:
    with holding(der, ValueError):
        certificate = read(der)
        covers(certificate, "shop.example.com")
        str(certificate)
    with holding(der):
        for parsed in _parsed(der):
            with suppress(ValueError):
                read(parsed)


@fuzzed(500)
@given(mangled(*certificates()))
def test_dates_of_certificates_that_openssl_reads(der: bytes) -> None:
    """A certificate that OpenSSL itself cannot read never gets here."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError):
        return
    with holding(der, ValueError):
        validity(der)


@fuzzed(300)
@given(
    st.text(max_size=40)
    | st.sampled_from(("http://a\x00b/", "http://[::1/", "http://" + "a" * 300, "http://a:99999/", "http://\ud800/"))
)
def test_addresses_of_issuers(url: str) -> None:
    with holding(url):
        _fetch(
            url if url.startswith("http") else "http://127.0.0.1:1/" + url,
            "CN=x",
            Fetching("tls", None, Deadline(0.01)),
        )
    with holding(url):
        ascii_name(url)


# ------------------------------------------------------------------ what a domain serves
DOMAIN_ANSWERS = (
    *ANSWERS,
    b'HTTP/1.1 404 No\r\nContent-Type: application/json\r\n\r\n{"error":{"code":"DOMAIN_NOT_VERIFIED"}}',
)


@fuzzed()
@given(st.one_of(mangled(*DOMAIN_ANSWERS), any_bytes()))
def test_what_answers_at_a_domain(got: bytes) -> None:
    with holding(got, Lost):
        Answering().routed([got[:9], got[9:], b""])


class Answering(Greeter):
    """A greeter whose far end has said all that it says."""

    def __init__(self) -> None:
        self.left: list[bytes] = []

    async def _send(self, data: bytes) -> None:
        """It is not looked at."""

    async def _read(self) -> bytes:
        return self.left.pop(0) if self.left else b""

    def routed(self, says: list[bytes]) -> None:
        self.left = says
        with suppress(StopIteration):
            self.request(b"").send(None)


# ------------------------------------------------------------------ dumps
SQL = b"CREATE TABLE a ();\n" * 40 + b"-- PostgreSQL database dump complete\n\n"


@fuzzed()
@given(
    st.one_of(mangled(gzip.compress(SQL), gzip.compress(SQL[:99]) + gzip.compress(SQL[99:]), SQL), any_bytes()),
    st.booleans(),
)
def test_dumps(data: bytes, is_gzip: bool) -> None:
    with holding(data):
        facts = inspect(io.BytesIO(data), is_gzip=is_gzip)
        assert facts.packed <= len(data)
        assert facts.broken or re.search(rb"database (cluster )?dump complete", _plain(data))


def _plain(data: bytes) -> bytes:
    plain = b""
    while data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=31)
        with suppress(zlib.error):
            plain += unpacker.decompress(data)
        data = unpacker.unused_data.lstrip(b"\0")
    return plain + data
