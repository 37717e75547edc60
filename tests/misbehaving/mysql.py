"""MySQL servers that hang, fail, or ask for what a client must not send."""

from __future__ import annotations

import os
import socket
import struct
import time

from tests.misbehaving.mysqlwire import OK, columns, greeting, packet, received, refusal, rows_of
from tests.misbehaving.server import Visit, misbehaves

LARGEST = b"\xff\xff\xff"  # the length of the largest possible packet, which another one must follow


def sign_in(visit: Visit) -> None:
    visit.say(greeting(plugin="mysql_native_password"))
    number, _ = received(visit)
    visit.say(packet(number + 1, OK))


def begin(visit: Visit) -> bytes:
    """Accept the login, answer the first statements of a session and a transaction, and return the first real one."""
    sign_in(visit)
    while True:
        _, asked = received(visit)
        if asked[1:].lstrip().upper().startswith(b"SELECT"):
            return asked
        visit.say(packet(1, OK))


@misbehaves("mysql.never-greets")
def never_greets(visit: Visit) -> None:
    visit.stay_silent()


@misbehaves("mysql.drips-greeting")
def drips_greeting(visit: Visit) -> None:
    visit.drip(greeting(), every_s=0.2)


@misbehaves("mysql.half-closed")
def half_closed(visit: Visit) -> None:
    visit.sock.shutdown(socket.SHUT_WR)
    visit.stay_silent(5)


@misbehaves("mysql.resets")
def resets(visit: Visit) -> None:
    visit.say(greeting()[:20])
    visit.stay_silent(0.1)
    visit.reset()


@misbehaves("mysql.garbage")
def garbage(visit: Visit) -> None:
    visit.say(packet(0, os.urandom(200)))
    visit.stay_silent(5)


@misbehaves("mysql.http")
def http(visit: Visit) -> None:
    visit.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@misbehaves("mysql.old-protocol")
def protocol_before_4_1(visit: Visit) -> None:
    visit.say(packet(0, b"\x09" + b"3.23\0"))
    visit.stay_silent(5)


@misbehaves("mysql.greets-without-end")
def greets_without_end(visit: Visit) -> None:
    for number in range(1 << 24):
        visit.say(LARGEST, bytes([number % 256]), bytes(0xFFFFFF))


@misbehaves("mysql.silent-after-greeting")
def silent_after_greeting(visit: Visit) -> None:
    visit.say(greeting())
    visit.stay_silent()


@misbehaves("mysql.closes-after-greeting")
def closes_after_greeting(visit: Visit) -> None:
    visit.say(greeting())
    received(visit)


@misbehaves("mysql.silent-tls")
def silent_tls(visit: Visit) -> None:
    visit.say(greeting(tls=True))
    visit.exactly(36)
    visit.stay_silent()


@misbehaves("mysql.switches-for-ever")
def switches_for_ever(visit: Visit) -> None:
    visit.say(greeting(plugin="mysql_native_password"))
    while True:
        number, _ = received(visit)
        visit.say(packet(number + 1, b"\xfemysql_native_password\0" + b"x" * 20 + b"\0"))


@misbehaves("mysql.unknown-plugin")
def unknown_plugin(visit: Visit) -> None:
    visit.say(greeting(plugin="mysql_native_password"))
    number, _ = received(visit)
    visit.say(packet(number + 1, b"\xfeauthentication_ldap_sasl\0" + b"x" * 20))
    visit.stay_silent(5)


SEEN: list[bytes] = []


@misbehaves("mysql.wants-plain-password")
def wants_plain_password(visit: Visit) -> None:
    """On a connection without TLS."""
    visit.say(greeting(plugin="mysql_native_password"))
    number, _ = received(visit)
    visit.say(packet(number + 1, b"\xfemysql_clear_password\0"))
    SEEN.append(received(visit)[1])


REFUSED = {
    "mysql.too-many": (1040, "Too many connections"),
    "mysql.host-unknown": (1130, "Host '10.0.0.9' is not allowed to connect to this MySQL server"),
    "mysql.host-blocked": (1129, "Host '10.0.0.9' is blocked because of many connection errors"),
    "mysql.shutting-down": (1053, "Server shutdown in progress"),
}
for _name, (_number, _words) in REFUSED.items():

    @misbehaves(_name)
    def refuses_at_once(visit: Visit, number: int = _number, words: str = _words) -> None:
        visit.say(refusal(0, number, words, "08004"))


AFTER_SIGNING_IN = {
    "mysql.wrong-password": (1045, "Access denied for user 'm'@'h' (using password: YES)"),
    "mysql.locked": (3118, "Access denied for user 'm'@'h'. Account is locked."),
    "mysql.expired": (1862, "Your password has expired. To log in you must change it"),
    "mysql.no-database": (1049, "Unknown database 'reverseai'"),
    "mysql.no-right-to-database": (1044, "Access denied for user 'm'@'%' to database 'reverseai'"),
    "mysql.wants-tls": (3159, "Connections using insecure transport are prohibited"),
    "mysql.offline": (3032, "The server is currently in offline mode"),
    "mysql.not-ready": (3168, "Server isn't available"),
    "mysql.repeats-password": (1045, "no entry for s3cret-password-never-shown"),
}
for _name, (_number, _words) in AFTER_SIGNING_IN.items():

    @misbehaves(_name)
    def refuses_after_signing_in(visit: Visit, number: int = _number, words: str = _words) -> None:
        visit.say(greeting(plugin="mysql_native_password"))
        sequence, _ = received(visit)
        visit.say(refusal(sequence + 1, number, words, "28000"))


@misbehaves("mysql.silent-mid-query")
def silent_mid_query(visit: Visit) -> None:
    begin(visit)
    visit.say(packet(1, b"\x01"))
    visit.stay_silent()


@misbehaves("mysql.resets-mid-query")
def resets_mid_query(visit: Visit) -> None:
    begin(visit)
    visit.reset()


@misbehaves("mysql.garbage-mid-query")
def garbage_mid_query(visit: Visit) -> None:
    begin(visit)
    visit.say(os.urandom(4096))
    visit.stay_silent(5)


@misbehaves("mysql.drips-rows")
def drips_rows(visit: Visit) -> None:
    begin(visit)
    visit.drip(rows_of(("one",), *[("1",)] * 500), every_s=0.1)


@misbehaves("mysql.endless-rows")
def endless_rows(visit: Visit) -> None:
    begin(visit)
    for number, part in enumerate(columns("one"), 1):
        visit.say(packet(number, part))
    for number in range(3 + 1, 1 << 24):
        visit.say(packet(number % 256, b"\x011"))


@misbehaves("mysql.row-without-end")
def row_without_end(visit: Visit) -> None:
    begin(visit)
    for number, part in enumerate(columns("one"), 1):
        visit.say(packet(number, part))
    for number in range(4, 1 << 24):
        visit.say(LARGEST, bytes([number % 256]), bytes(0xFFFFFF))


@misbehaves("mysql.wants-a-file")
def wants_a_file(visit: Visit) -> None:
    """LOAD DATA LOCAL: a server can request any file from a client."""
    begin(visit)
    visit.say(packet(1, b"\xfb/etc/passwd"))
    SEEN.append(received(visit)[1])


ON_QUERY = {
    "mysql.no-privilege": (1142, "SELECT command denied to user 'm'@'h' for table 'user'"),
    "mysql.no-table": (1146, "Table 'reverseai.nothing' doesn't exist"),
    "mysql.timed-out": (3024, "Query execution was interrupted, maximum statement execution time exceeded"),
    "mysql.waits-for-lock": (1205, "Lock wait timeout exceeded; try restarting transaction"),
    "mysql.killed": (1927, "Connection was killed"),
}
for _name, (_number, _words) in ON_QUERY.items():

    @misbehaves(_name)
    def fails_a_query(visit: Visit, number: int = _number, words: str = _words) -> None:
        begin(visit)
        visit.say(refusal(1, number, words))
        received(visit)
        visit.say(packet(1, OK))
        visit.stay_silent(5)


@misbehaves("mysql.resets-at-once")
def resets_at_once(visit: Visit) -> None:
    """Most clients then fail while writing, some while reading."""
    visit.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.05)  # otherwise the connection is not established
    visit.say(greeting())
    visit.sock.close()


@misbehaves("mysql.resets-within-tls")
def resets_within_tls(visit: Visit) -> None:
    visit.say(greeting(tls=True))
    visit.exactly(36)
    visit.reset()


@misbehaves("mysql.odd-number")
def refuses_with_a_non_server_error_number(visit: Visit) -> None:
    visit.say(refusal(0, 500, "not a server error number"))
