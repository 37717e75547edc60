"""PostgreSQL servers that hang, fail or send garbage.

The protocol: https://www.postgresql.org/docs/current/protocol-flow.html
"""

from __future__ import annotations

import socket
import ssl
import struct

from tests.misbehaving.server import Handler, Visit, misbehaves

SSL_REQUEST = 80877103
PASSWORDS = ("s3cret-password-never-shown", "planted-database-password-0123456789")
SEEN: list[bytes] = []


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def refusal(code: str, text: str, encoding: str = "utf-8") -> bytes:
    fields = {b"S": "FATAL", b"V": "FATAL", b"C": code, b"M": text}
    return message(b"E", b"".join(k + v.encode(encoding) + b"\0" for k, v in fields.items()) + b"\0")


LET_IN = message(b"R", struct.pack("!I", 0))
READY = message(b"Z", b"I")
IN_TRANSACTION = message(b"Z", b"T")


def startup(visit: Visit) -> bytes:
    """Return the client's first message; TLS is declined."""
    while True:
        size, code = struct.unpack("!II", visit.exactly(8))
        rest = visit.exactly(size - 8)
        if code != SSL_REQUEST:
            return rest
        visit.say(b"N")


def next_message(visit: Visit) -> tuple[bytes, bytes]:
    kind = visit.exactly(1)
    (size,) = struct.unpack("!I", visit.exactly(4))
    return kind, visit.exactly(size - 4)


def begin(visit: Visit) -> None:
    """Accept without a password; answer the queries for limits without rows, and the start of the transaction."""
    startup(visit)
    visit.say(LET_IN, message(b"S", b"client_encoding\0UTF8\0"), READY)
    for state in (READY, IN_TRANSACTION):
        next_message(visit)
        visit.say(message(b"C", b"BEGIN\0"), message(b"C", b"SET\0"), message(b"C", b"SET\0"), state)


@misbehaves("postgres.never-greets")
def never_greets(visit: Visit) -> None:
    visit.stay_silent()


@misbehaves("postgres.silent-after-tls-refused")
def silent_after_tls_refused(visit: Visit) -> None:
    visit.exactly(8)
    visit.say(b"N")
    visit.stay_silent()


@misbehaves("postgres.silent-tls")
def silent_tls(visit: Visit) -> None:
    visit.exactly(8)
    visit.say(b"S")
    visit.stay_silent()


@misbehaves("postgres.silent-after-startup")
def silent_after_startup(visit: Visit) -> None:
    startup(visit)
    visit.stay_silent()


@misbehaves("postgres.scram-stalls")
def scram_stalls(visit: Visit) -> None:
    startup(visit)
    visit.say(message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0"))
    next_message(visit)
    visit.stay_silent()


@misbehaves("postgres.scram-for-ever")
def scram_for_ever(visit: Visit) -> None:
    """Asks for two billion iterations of the password hash (minutes of CPU time)."""
    startup(visit)
    visit.say(message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0"))
    _, first = next_message(visit)
    nonce = first.split(b"r=")[1]
    visit.say(message(b"R", struct.pack("!I", 11) + b"r=" + nonce + b"xyz,s=c2FsdHNhbHQ=,i=2000000000"))
    visit.stay_silent()


@misbehaves("postgres.drips-refusal")
def drips_refusal(visit: Visit) -> None:
    startup(visit)
    visit.drip(refusal("57P03", "the database system is starting up" + "." * 1000))


@misbehaves("postgres.garbage")
def garbage(visit: Visit) -> None:
    visit.sock.recv(1000)
    visit.say(b"\x00\xff garbage \xfe" * 10)
    visit.stay_silent(0.5)


@misbehaves("postgres.garbage-after-startup")
def garbage_after_startup(visit: Visit) -> None:
    startup(visit)
    visit.say(b"\x00\xff garbage \xfe" * 10)
    visit.stay_silent(0.5)


@misbehaves("postgres.http")
def http(visit: Visit) -> None:
    visit.sock.recv(1000)
    visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@misbehaves("postgres.resets")
def resets(visit: Visit) -> None:
    visit.sock.recv(1000)
    visit.reset()


@misbehaves("postgres.closes-after-startup")
def closes_after_startup(visit: Visit) -> None:
    startup(visit)


@misbehaves("postgres.starting-up")
def starting_up(visit: Visit) -> None:
    startup(visit)
    visit.say(refusal("57P03", "the database system is starting up"))


@misbehaves("postgres.starting-up-chinese")
def starting_up_chinese(visit: Visit) -> None:
    startup(visit)
    visit.say(refusal("57P03", "数据库系统启动中", "gb18030"))


@misbehaves("postgres.no-sqlstate-chinese")
def no_sqlstate_chinese(visit: Visit) -> None:
    startup(visit)
    visit.say(refusal("08P01", '用户 "cs_monitor" Password 认证失败'))


@misbehaves("postgres.pooler-wants-tls")
def pooler_wants_tls(visit: Visit) -> None:
    startup(visit)
    visit.say(refusal("08P01", "SSL required"))


@misbehaves("postgres.cloud-wants-tls")
def cloud_wants_tls(visit: Visit) -> None:
    startup(visit)
    visit.say(refusal("28000", "connection is insecure (try using `sslmode=require`)"))


@misbehaves("postgres.pooler-unknown-database")
def pooler_unknown_database(visit: Visit) -> None:
    startup(visit)
    visit.say(refusal("08P01", "no such database: ai_customer_service"))


@misbehaves("postgres.repeats-password")
def repeats_password(visit: Visit) -> None:
    """Knows the passwords of the tests, and puts them into its error message."""
    startup(visit)
    visit.say(message(b"R", struct.pack("!I", 5) + b"salt"))
    next_message(visit)
    visit.say(refusal("28P01", f"password {' or '.join(PASSWORDS)} is wrong"))


@misbehaves("postgres.wants-clear-text")
def wants_clear_text(visit: Visit) -> None:
    startup(visit)
    visit.say(message(b"R", struct.pack("!I", 3)))
    SEEN.append(next_message(visit)[1])


@misbehaves("postgres.silent-mid-query")
def silent_mid_query(visit: Visit) -> None:
    begin(visit)
    visit.stay_silent()


@misbehaves("postgres.half-closed")
def half_closed(visit: Visit) -> None:
    startup(visit)
    visit.sock.shutdown(socket.SHUT_WR)
    visit.stay_silent(5)


@misbehaves("postgres.half-closed-mid-query")
def half_closed_mid_query(visit: Visit) -> None:
    begin(visit)
    next_message(visit)
    visit.sock.shutdown(socket.SHUT_WR)
    visit.stay_silent(5)


@misbehaves("postgres.silent-after-signing-in")
def silent_after_signing_in(visit: Visit) -> None:
    startup(visit)
    visit.say(LET_IN, READY)
    visit.stay_silent()


@misbehaves("postgres.resets-mid-query")
def resets_mid_query(visit: Visit) -> None:
    begin(visit)
    next_message(visit)
    visit.reset()


@misbehaves("postgres.garbage-mid-query")
def garbage_mid_query(visit: Visit) -> None:
    begin(visit)
    next_message(visit)
    visit.say(b"\x01\x02\x03\x04\x05 garbage")
    visit.stay_silent()


def row_description() -> bytes:
    field = b"n\0" + struct.pack("!IhIhih", 0, 0, 25, -1, -1, 0)
    return message(b"T", struct.pack("!h", 1) + field)


def row(value: bytes) -> bytes:
    return message(b"D", struct.pack("!hi", 1, len(value)) + value)


def until_query(visit: Visit) -> None:
    """Wait until the query arrives; earlier output would be discarded."""
    begin(visit)
    while next_message(visit)[0] != b"S":
        pass


@misbehaves("postgres.endless-rows")
def endless_rows(visit: Visit) -> None:
    until_query(visit)
    visit.say(message(b"1", b""), message(b"2", b""), row_description())
    while True:
        visit.say(row(b"x") * 1000)


@misbehaves("postgres.drips-rows")
def drips_rows(visit: Visit) -> None:
    until_query(visit)
    visit.say(message(b"1", b""), message(b"2", b""), row_description())
    visit.drip(row(b"x" * 3000))


@misbehaves("postgres.endless-notices")
def endless_notices(visit: Visit) -> None:
    until_query(visit)
    notice = message(b"N", b"SNOTICE\0VNOTICE\0C00000\0Mhello\0\0")
    while True:
        visit.say(notice * 1000)


def behind_tls(cert: str, key: str, inside: bytes, outside: bytes) -> Handler:
    """A server that sends one message over TLS and another without TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def handle(visit: Visit) -> None:
        size, code = struct.unpack("!II", visit.exactly(8))
        if code == SSL_REQUEST:
            visit.say(b"S")
            visit.sock = context.wrap_socket(visit.sock, server_side=True)
            startup(visit)
            visit.say(inside)
        else:
            visit.exactly(size - 8)
            visit.say(outside)

    return handle
