"""Whatever the far end does, a PostgreSQL reading ends in time with one sentence."""

from __future__ import annotations

import threading

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres.client import Postgres
from tests.misbehaving.server import BlackHole, refusing_port
from tests.probes.conftest import Misbehaving, taking

SECRET = "s3cret-password-never-shown"

ON_CONNECT = {
    "postgres.never-greets": "connect-timeout",
    "postgres.silent-after-tls-refused": "connect-timeout",
    "postgres.silent-tls": "connect-timeout",
    "postgres.silent-after-startup": "connect-timeout",
    "postgres.scram-stalls": "connect-timeout",
    "postgres.drips-refusal": "connect-timeout",
    "postgres.scram-for-ever": "malformed-answer",
    "postgres.garbage": "malformed-answer",
    "postgres.garbage-after-startup": "malformed-answer",
    "postgres.http": "malformed-answer",
    "postgres.resets": "connection-lost",
    "postgres.closes-after-startup": "connection-lost",
    "postgres.starting-up": "starting-up",
    "postgres.starting-up-chinese": "starting-up",
    "postgres.no-sqlstate-chinese": "authentication-failed",
    "postgres.repeats-password": "authentication-failed",
    "postgres.pooler-unknown-database": "database-missing",
    "postgres.pooler-wants-tls": "tls-required",
    "postgres.cloud-wants-tls": "tls-required",
}
ON_QUERY = {
    "postgres.silent-mid-query": "connection-lost",
    "postgres.silent-after-signing-in": "connection-lost",
    "postgres.resets-mid-query": "connection-lost",
    "postgres.garbage-mid-query": "connection-lost",
    "postgres.drips-rows": "connection-lost",
    "postgres.endless-notices": "connection-lost",
    "postgres.endless-rows": "too-many-rows",
}


def dsn(port: int, host: str = "127.0.0.1", more: str = "") -> str:
    return f"postgresql://cs_monitor:{SECRET}@{host}:{port}/ai_customer_service{more}"


def is_one_sentence(gone: NoReading) -> bool:
    return "\n" not in str(gone) and "Traceback" not in str(gone) and len(str(gone)) < 330


@pytest.mark.parametrize("name", ON_CONNECT)
def test_server_that_refuses_logins_is_reported_in_time(misbehaving: Misbehaving, name: str) -> None:
    server = misbehaving(name)
    timeout_s = 0.6 if ON_CONNECT[name] == "connect-timeout" else 4
    with taking(1.2), pytest.raises(NoReading) as caught:
        Postgres(dsn(server.port), connect_timeout_s=timeout_s).query("SELECT 1")
    gone = caught.value
    assert (gone.kind, gone.resource) == (ON_CONNECT[name], "postgres")
    assert is_one_sentence(gone)
    assert SECRET not in str(gone) + str(gone.evidence)
    assert gone.evidence["peer"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("name", ON_QUERY)
def test_server_that_fails_within_a_query_is_reported_in_time(misbehaving: Misbehaving, name: str) -> None:
    server = misbehaving(name)
    timeout_s = 5 if ON_QUERY[name] == "too-many-rows" else 0.4
    database = Postgres(dsn(server.port), connect_timeout_s=1, statement_timeout_s=timeout_s)
    with taking(2.5), pytest.raises(NoReading) as caught:
        database.query("SELECT 1")
    assert caught.value.kind == ON_QUERY[name]
    assert is_one_sentence(caught.value)
    assert caught.value.evidence["peer"] == f"127.0.0.1:{server.port}"


def test_refused() -> None:
    with refusing_port() as port, taking(1), pytest.raises(NoReading) as caught:
        Postgres(dsn(port)).query("SELECT 1")
    assert str(caught.value) == f"postgres: 127.0.0.1:{port} refused the connection"
    assert caught.value.kind == "connection-refused"


def test_black_holed() -> None:
    with BlackHole() as hole, taking(1.2, at_least_s=0.5), pytest.raises(NoReading) as caught:
        Postgres(dsn(hole.port), connect_timeout_s=0.6).query("SELECT 1")
    assert caught.value.kind == "connect-timeout"
    assert "did not answer the connection attempt" in str(caught.value)


def test_several_servers_of_a_dsn_share_the_time(misbehaving: Misbehaving) -> None:
    first, second = misbehaving("postgres.never-greets"), misbehaving("postgres.starting-up")
    several = f"postgresql://u:{SECRET}@127.0.0.1:{first.port},127.0.0.1:{second.port}/db"
    with taking(2.5), pytest.raises(NoReading) as caught:
        Postgres(several, connect_timeout_s=1.2).query("SELECT 1")
    assert second.visits == 1
    assert caught.value.kind == "starting-up"


@pytest.mark.parametrize("name", ["postgres.never-greets", "postgres.silent-mid-query"])
def test_cancelling_a_check_ends_its_query_at_once(misbehaving: Misbehaving, name: str) -> None:
    database = Postgres(dsn(misbehaving(name).port), connect_timeout_s=30, statement_timeout_s=30)
    deadline = Deadline(30)
    token = current.set(deadline)
    threading.Timer(0.3, deadline.expire).start()
    try:
        with taking(1), pytest.raises(NoReading):
            database.query("SELECT 1")
    finally:
        current.reset(token)


def test_unreachable_server_is_tried_once_for_all_checks(misbehaving: Misbehaving) -> None:
    server = misbehaving("postgres.never-greets")
    database = Postgres(dsn(server.port), connect_timeout_s=0.4, connections=1)
    kinds: list[str | None] = []

    def look(number: int) -> None:
        with pytest.raises(NoReading) as caught:
            database.query(f"SELECT {number}")
        kinds.append(caught.value.kind)

    threads = [threading.Thread(target=look, args=(n,)) for n in range(10)]
    with taking(1.5):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert kinds == ["connect-timeout"] * 10
    assert server.visits == 1


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "   ",
        "mysql://me:" + SECRET + "@host/db",
        "postgresql://me:" + SECRET + "%zz@host/db",
        "postgresql://me:" + SECRET + "@host:port/db",
        "postgresql://me:" + SECRET + "@host:99999/db",
        "postgresql://me:" + SECRET + "@[::1/db",
        "host=h password " + SECRET,
        SECRET,
        "postgresql://me:" + SECRET + "@a:1,b:2,c:3,d/db?port=1,2",
    ],
)
def test_malformed_dsn_is_reported_without_quoting_it(bad: str) -> None:
    with pytest.raises(NoReading) as caught:
        Postgres(bad).query("SELECT 1")
    assert caught.value.kind == "dsn-malformed"
    assert SECRET not in str(caught.value) + repr(caught.value) + str(caught.value.evidence)


def test_unreadable_ca_file_is_not_a_fault_of_the_server() -> None:
    with pytest.raises(NoReading) as caught:
        Postgres(dsn(1), ca_file="/nonexistent/ca.pem").query("SELECT 1")
    assert caught.value.kind == "ca-file-unreadable"
