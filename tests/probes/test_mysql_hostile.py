"""Whatever the far end does, a MySQL reading ends in time with one sentence, and reveals nothing."""

from __future__ import annotations

import threading
import time

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.mysql.client import Mysql
from tests.misbehaving.mysql import SEEN, begin
from tests.misbehaving.mysqlwire import OK, packet, received, refusal
from tests.misbehaving.server import BlackHole, FakeServer, Handler, Visit, refusing_port
from tests.probes.conftest import Misbehaving, taking

SECRET = "s3cret-password-never-shown"

ON_CONNECT = {
    "mysql.never-greets": "connect-timeout",
    "mysql.drips-greeting": "connect-timeout",
    "mysql.silent-after-greeting": "connect-timeout",
    "mysql.half-closed": "connection-lost",
    "mysql.resets": "connection-lost",
    "mysql.resets-at-once": "connection-lost",
    "mysql.odd-number": "malformed-answer",
    "mysql.closes-after-greeting": "connection-lost",
    "mysql.garbage": "malformed-answer",
    "mysql.http": "malformed-answer",
    "mysql.old-protocol": "malformed-answer",
    "mysql.greets-without-end": "malformed-answer",
    "mysql.switches-for-ever": "malformed-answer",
    "mysql.unknown-plugin": "auth-not-supported",
    "mysql.wants-plain-password": "tls-required",
    "mysql.wants-tls": "tls-required",
    "mysql.too-many": "too-many-connections",
    "mysql.host-unknown": "host-not-allowed",
    "mysql.host-blocked": "host-not-allowed",
    "mysql.shutting-down": "starting-up",
    "mysql.offline": "starting-up",
    "mysql.not-ready": "starting-up",
    "mysql.wrong-password": "authentication-failed",
    "mysql.locked": "authentication-failed",
    "mysql.expired": "authentication-failed",
    "mysql.repeats-password": "authentication-failed",
    "mysql.no-database": "database-missing",
    "mysql.no-right-to-database": "no-privilege",
}
ON_QUERY = {
    "mysql.silent-mid-query": "connection-lost",
    "mysql.resets-mid-query": "connection-lost",
    "mysql.drips-rows": "connection-lost",
    "mysql.killed": "connection-lost",
    "mysql.endless-rows": "too-many-rows",
    "mysql.row-without-end": "too-many-rows",
    "mysql.no-privilege": "no-privilege",
    "mysql.no-table": "undefined-table",
    "mysql.timed-out": "statement-timeout",
    "mysql.waits-for-lock": "lock-timeout",
    "mysql.wants-a-file": "connection-lost",
}
WORDS = {
    "mysql.silent-mid-query": "no answer to the query within",
    "mysql.drips-rows": "no answer to the query within",
    "mysql.resets-mid-query": "the connection was closed during the query",
    "mysql.killed": "the connection was closed during the query",
    "mysql.no-table": "reverse_monitor could not read it: Table 'reverseai.nothing' doesn't exist",
}


def dsn(port: int, more: str = "?ssl-mode=DISABLED") -> str:
    return f"mysql://reverse_monitor:{SECRET}@127.0.0.1:{port}/reverseai{more}"


def is_one_sentence(gone: NoReading) -> bool:
    return "\n" not in str(gone) and "Traceback" not in str(gone) and len(str(gone)) < 330


@pytest.mark.parametrize("name", ON_CONNECT)
def test_server_that_refuses_logins_is_reported_in_time(misbehaving: Misbehaving, name: str) -> None:
    server = misbehaving(name)
    timeout_s = 0.6 if ON_CONNECT[name] == "connect-timeout" else 4
    with taking(1.2), pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port), connect_timeout_s=timeout_s).query("SELECT 1")
    gone = caught.value
    assert (gone.kind, gone.resource) == (ON_CONNECT[name], "mysql"), gone
    assert is_one_sentence(gone)
    assert SECRET not in str(gone) + str(gone.evidence)
    assert gone.evidence["peer"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("name", ON_QUERY)
def test_server_that_fails_within_a_query_is_reported_in_time(misbehaving: Misbehaving, name: str) -> None:
    server = misbehaving(name)
    timeout_s = 5 if ON_QUERY[name] == "too-many-rows" else 0.4
    database = Mysql(dsn(server.port), connect_timeout_s=1, statement_timeout_s=timeout_s)
    with taking(2.5), pytest.raises(NoReading) as caught:
        database.query("SELECT 1")
    assert caught.value.kind == ON_QUERY[name], caught.value
    assert is_one_sentence(caught.value)
    assert WORDS.get(name, "") in caught.value.reason
    database.close()


def test_garbage_within_a_query_is_no_row(misbehaving: Misbehaving) -> None:
    server = misbehaving("mysql.garbage-mid-query")
    with taking(2.5), pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port), connect_timeout_s=1, statement_timeout_s=0.4).query("SELECT 1")
    assert caught.value.kind in ("connection-lost", "sql-error")


def test_silence_within_the_tls_handshake_ends_in_time(misbehaving: Misbehaving) -> None:
    server = misbehaving("mysql.silent-tls")
    with taking(1.2), pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port, ""), connect_timeout_s=0.6).query("SELECT 1")
    assert caught.value.kind == "connect-timeout"


def test_reset_within_the_tls_handshake_is_not_a_trust_error(misbehaving: Misbehaving) -> None:
    with pytest.raises(NoReading) as caught:
        Mysql(dsn(misbehaving("mysql.resets-within-tls").port, "")).query("SELECT 1")
    assert caught.value.kind == "connection-lost"


def test_tls_cannot_be_stripped(misbehaving: Misbehaving) -> None:
    """A server, or a man in the middle, that claims to have no TLS gets no password."""
    server = misbehaving("mysql.silent-after-greeting")
    with pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port, "?ssl-mode=REQUIRED")).query("SELECT 1")
    assert caught.value.kind == "tls-failed"
    assert "ssl-mode=DISABLED" in caught.value.reason


def test_server_without_tls_is_unknown_where_the_dsn_says_nothing(misbehaving: Misbehaving) -> None:
    server = misbehaving("mysql.silent-after-greeting")
    with pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port, "")).query("SELECT 1")
    assert caught.value.kind == "tls-undecided"
    assert "turn it on there, or where the network is trusted write ssl-mode=DISABLED" in caught.value.reason


def test_neither_password_nor_files_are_sent(misbehaving: Misbehaving) -> None:
    SEEN.clear()
    for name in ("mysql.wants-plain-password", "mysql.wants-a-file"):
        server = misbehaving(name)
        with pytest.raises(NoReading):
            Mysql(dsn(server.port), connect_timeout_s=1, statement_timeout_s=0.5).query("SELECT 1")
    assert SECRET.encode() not in b"".join(SEEN)
    assert b"root:" not in b"".join(SEEN)


# MySQL's error numbers, and from 4000 up MariaDB's.
NUMBERS_ON_CONNECT = {
    "too-many-connections": (1040,),
    "own-connection-limit": (1203,),
    "rate-limited": (1226,),
    "authentication-failed": (1045, 1698, 1862, 1820, 3118, 4151, 1251),
    "database-missing": (1049,),
    "no-privilege": (1044,),
    "host-not-allowed": (1130, 1129),
    "tls-required": (3159, 4196),
    "starting-up": (1053, 3032, 3168),
    "tls-failed": (2026,),
    "connection-lost": (2003, 2006, 2013),
    "malformed-answer": (999,),
    None: (1000, 1105),
}
NUMBERS_ON_QUERY = {
    "no-privilege": (1044, 1045, 1142, 1143, 1227, 1370),
    "undefined-table": (1109, 1146, 1049),
    "statement-timeout": (1317, 1969, 3024),
    "lock-timeout": (1205,),
    "rate-limited": (1226,),
    "connection-lost": (1053, 1927, 2006, 2013, 2014),
    "sql-error": (1054, 1064),
}
WORDS_ON_CONNECT = [
    (1105, "proxy: Too many connections", "too-many-connections"),
    (1226, "User 'm' has exceeded the 'max_user_connections' resource (current value: 4)", "own-connection-limit"),
    (1105, "Access denied for user 'm'@'h'", "authentication-failed"),
    (9001, "Host 'h' is not allowed to connect", "host-not-allowed"),
    (1045, "Connections using insecure transport are prohibited", "tls-required"),
    (1130, "access denied for user 'm'", "host-not-allowed"),
]


def kind_of(handler: Handler, password: str = SECRET) -> tuple[str | None, str]:
    with FakeServer(handler) as server, pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port).replace(SECRET, password), connect_timeout_s=2, statement_timeout_s=2).query("SELECT 1")
    return caught.value.kind, caught.value.reason


def refusing_a_query(number: int, words: str = "no") -> Handler:
    def handle(visit: Visit) -> None:
        begin(visit)
        visit.say(refusal(1, number, words))
        received(visit)
        visit.say(packet(1, OK))

    return handle


def test_meaning_of_each_error_number() -> None:
    def refusing(number: int, words: str = "no") -> Handler:
        return lambda visit: visit.say(refusal(0, number, words))

    for kind, numbers in NUMBERS_ON_CONNECT.items():
        assert {kind_of(refusing(number))[0] for number in numbers} == {kind}, numbers
    for number, words, kind in WORDS_ON_CONNECT:
        assert kind_of(refusing(number, words))[0] == kind, words
    for kind, numbers in NUMBERS_ON_QUERY.items():
        assert {kind_of(refusing_a_query(number))[0] for number in numbers} == {kind}, numbers


@pytest.mark.parametrize(("password", "reported"), [("swan", "no *** here"), ("owl", "no owl here")])
def test_password_repeated_by_a_server_is_masked_unless_it_is_very_short(password: str, reported: str) -> None:
    words = f"no {password} here"
    assert kind_of(lambda visit: visit.say(refusal(0, 1105, words)), password)[1].endswith(reported)
    assert kind_of(refusing_a_query(1064, words), password)[1].endswith(reported)


def test_connection_that_is_lost_within_a_query_is_closed_and_another_one_kept(misbehaving: Misbehaving) -> None:
    lost, kept = misbehaving("mysql.killed"), misbehaving("mysql.no-table")
    for server, left in ((lost, 0), (kept, 1)):
        database = Mysql(dsn(server.port))
        with pytest.raises(NoReading):
            database.query("SELECT 1")
        time.sleep(0.1)
        end = time.monotonic() + 3
        while server.open_connections() != left and time.monotonic() < end:
            time.sleep(0.05)
        assert server.open_connections() == left
        database.close()


def test_closed_port_and_dropped_packets() -> None:
    with refusing_port() as port, taking(1), pytest.raises(NoReading) as refused:
        Mysql(dsn(port)).query("SELECT 1")
    assert refused.value.kind == "connection-refused"
    with BlackHole() as hole, taking(1.2), pytest.raises(NoReading) as dropped:
        Mysql(dsn(hole.port), connect_timeout_s=0.5).query("SELECT 1")
    assert dropped.value.kind == "connect-timeout"


def test_the_running_checks_deadline_ends_it(misbehaving: Misbehaving) -> None:
    server = misbehaving("mysql.silent-mid-query")
    deadline = Deadline(0.5)
    token = current.set(deadline)
    try:
        with taking(1), pytest.raises(NoReading):
            Mysql(dsn(server.port), statement_timeout_s=30).query("SELECT 1")
    finally:
        current.reset(token)


def test_cancelling_closes_the_connection(misbehaving: Misbehaving) -> None:
    server = misbehaving("mysql.silent-mid-query")
    deadline = Deadline(30)
    token = current.set(deadline)
    try:
        threading.Timer(0.4, deadline.expire).start()
        with taking(1), pytest.raises(NoReading):
            Mysql(dsn(server.port), statement_timeout_s=30).query("SELECT 1")
    finally:
        current.reset(token)
    end = time.monotonic() + 2  # the far end notices it a moment later
    while server.open_connections() and time.monotonic() < end:
        time.sleep(0.01)
    assert server.open_connections() == 0


@pytest.mark.parametrize(
    "given",
    [
        "",
        "postgresql://u:p@h/d",
        "mysql://h/d",
        "mysql://u:p@/d",
        "mysql://u:p@h:99999/d",
        "mysql://u:p@h/d?ssl-mode=PREFERRED",
        "mysql://u:p@h/d?ssl-mode=perhaps",
        "u:p@tcp(h:3306)",
        "u:p@tcp(h:3306)/d",
        "Server=h;Uid=u;Pwd=:p@;Database=d",
        "jdbc:mysql://u:p@h/d",
    ],
)
def test_invalid_dsn_is_never_quoted(given: str) -> None:
    with pytest.raises(NoReading) as caught:
        Mysql(given.replace(":p@", f":{SECRET}@")).query("SELECT 1")
    is_known_form = given.startswith(("Server=", "jdbc:")) or given.endswith(")/d")
    assert caught.value.kind == ("dsn-unsupported" if is_known_form else "dsn-malformed")
    assert SECRET not in str(caught.value)
