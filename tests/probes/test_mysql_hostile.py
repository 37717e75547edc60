"""However the far end behaves, a MySQL reading ends in time with one sentence, and gives nothing away."""

from __future__ import annotations

import threading

import pytest

from probes.deadline import Deadline, current
from probes.mysql import Mysql
from probes.reading import NoReading
from tests.probes.conftest import Zoo, taking
from tests.zoo.beast import BlackHole, refusing_port
from tests.zoo.mysql import SEEN

SECRET = "s3cret-password-never-shown"

ON_CONNECT = {
    "mysql.never-greets": "connect-timeout",
    "mysql.drips-greeting": "connect-timeout",
    "mysql.silent-after-greeting": "connect-timeout",
    "mysql.half-closed": "connection-lost",
    "mysql.resets": "connection-lost",
    "mysql.closes-after-greeting": "connection-lost",
    "mysql.garbage": "malformed-answer",
    "mysql.http": "malformed-answer",
    "mysql.old-protocol": "malformed-answer",
    "mysql.greets-without-end": "malformed-answer",
    "mysql.switches-for-ever": "malformed-answer",
    "mysql.unknown-plugin": "tls-required",
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


def dsn(port: int, more: str = "?ssl-mode=DISABLED") -> str:
    return f"mysql://reverse_monitor:{SECRET}@127.0.0.1:{port}/reverseai{more}"


def is_one_sentence(gone: NoReading) -> bool:
    return "\n" not in str(gone) and "Traceback" not in str(gone) and len(str(gone)) < 330


@pytest.mark.parametrize("name", ON_CONNECT)
def test_a_server_that_lets_nobody_in_is_named_in_time(zoo: Zoo, name: str) -> None:
    server = zoo(name)
    timeout_s = 0.6 if ON_CONNECT[name] == "connect-timeout" else 4
    with taking(1.2), pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port), connect_timeout_s=timeout_s).query("SELECT 1")
    gone = caught.value
    assert (gone.kind, gone.resource) == (ON_CONNECT[name], "mysql"), gone
    assert is_one_sentence(gone)
    assert SECRET not in str(gone) + str(gone.evidence)
    assert gone.evidence["peer"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("name", ON_QUERY)
def test_a_server_that_fails_within_a_query_is_named_in_time(zoo: Zoo, name: str) -> None:
    server = zoo(name)
    timeout_s = 5 if ON_QUERY[name] == "too-many-rows" else 0.4
    database = Mysql(dsn(server.port), connect_timeout_s=1, statement_timeout_s=timeout_s)
    with taking(2.5), pytest.raises(NoReading) as caught:
        database.query("SELECT 1")
    assert caught.value.kind == ON_QUERY[name], caught.value
    assert is_one_sentence(caught.value)
    database.close()


def test_garbage_within_a_query_is_no_row(zoo: Zoo) -> None:
    server = zoo("mysql.garbage-mid-query")
    with taking(2.5), pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port), connect_timeout_s=1, statement_timeout_s=0.4).query("SELECT 1")
    assert caught.value.kind in ("connection-lost", "sql-error")


def test_silence_within_the_tls_handshake_ends_in_time(zoo: Zoo) -> None:
    server = zoo("mysql.silent-tls")
    with taking(1.2), pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port, ""), connect_timeout_s=0.6).query("SELECT 1")
    assert caught.value.kind == "connect-timeout"


def test_without_tls_nobody_takes_it_out_of_the_way(zoo: Zoo) -> None:
    """A server, or somebody on the way, that says it has no TLS gets no password."""
    server = zoo("mysql.silent-after-greeting")
    with pytest.raises(NoReading) as caught:
        Mysql(dsn(server.port, "?ssl-mode=REQUIRED")).query("SELECT 1")
    assert caught.value.kind == "tls-failed"
    assert "ssl-mode=DISABLED" in caught.value.reason


def test_neither_password_nor_files_are_handed_over(zoo: Zoo) -> None:
    SEEN.clear()
    for name in ("mysql.wants-plain-password", "mysql.wants-a-file"):
        server = zoo(name)
        with pytest.raises(NoReading):
            Mysql(dsn(server.port), connect_timeout_s=1, statement_timeout_s=0.5).query("SELECT 1")
    assert SECRET.encode() not in b"".join(SEEN)
    assert b"root:" not in b"".join(SEEN)


def test_nobody_listens_and_packets_that_are_dropped() -> None:
    with refusing_port() as port, taking(1), pytest.raises(NoReading) as refused:
        Mysql(dsn(port)).query("SELECT 1")
    assert refused.value.kind == "connection-refused"
    with BlackHole() as hole, taking(1.2), pytest.raises(NoReading) as dropped:
        Mysql(dsn(hole.port), connect_timeout_s=0.5).query("SELECT 1")
    assert dropped.value.kind == "connect-timeout"


def test_the_running_checks_deadline_ends_it(zoo: Zoo) -> None:
    server = zoo("mysql.silent-mid-query")
    deadline = Deadline(0.5)
    token = current.set(deadline)
    try:
        with taking(1), pytest.raises(NoReading):
            Mysql(dsn(server.port), statement_timeout_s=30).query("SELECT 1")
    finally:
        current.reset(token)


def test_giving_up_closes_the_connection(zoo: Zoo) -> None:
    server = zoo("mysql.silent-mid-query")
    deadline = Deadline(30)
    token = current.set(deadline)
    try:
        threading.Timer(0.4, deadline.expire).start()
        with taking(1), pytest.raises(NoReading):
            Mysql(dsn(server.port), statement_timeout_s=30).query("SELECT 1")
    finally:
        current.reset(token)
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
        "u:p@tcp(h:3306)/d",
    ],
)
def test_a_dsn_that_is_none_is_never_quoted(given: str) -> None:
    with pytest.raises(NoReading) as caught:
        Mysql(given.replace(":p@", f":{SECRET}@")).query("SELECT 1")
    assert caught.value.kind == "dsn-malformed"
    assert SECRET not in str(caught.value)
