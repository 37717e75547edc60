"""Connections are shared where a role or a server has few, on real servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.mysql.client import Mysql
from runbook_checks.probes.postgres.client import Postgres
from runbook_checks.probes.sql.database import SqlDatabase
from runbook_checks.probes.sql.pool import Pools
from runbook_checks_lab.servers.mariadb import MariaDb
from tests.misbehaving.server import BlackHole
from tests.probes import maria, pg, pki
from tests.probes.conftest import taking

SECRET = "s3cret-password-never-shown"
ROLES = {"many": "", "four": "CONNECTION LIMIT 4", "one": "CONNECTION LIMIT 1"}
DATABASES = ("first", "second", "third")
SLEEPS = "SELECT pg_sleep(0.02)::text, {} AS n"


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    roles = [f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}' {limit}" for name, limit in ROLES.items()]
    with pg.started(*roles, *(f"CREATE DATABASE {name}" for name in DATABASES)) as made:
        yield made


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    with maria.running(tmp_path_factory.mktemp("mariadb"), pki.make("Test CA", is_ca=True)) as running:
        yield running


@contextmanager
def lasting(seconds: float) -> Iterator[None]:
    """The block has a deadline, like a check."""
    token = current.set(Deadline(seconds))
    try:
        yield
    finally:
        current.reset(token)


def databases(server: pg.Server, role: str, pools: Pools | None = None) -> list[Postgres]:
    """Return the databases of one run with three systems."""
    pools = pools or Pools()
    return [Postgres(server.dsn(role, SECRET, name), pools=pools) for name in DATABASES]


def look(some: list[Any], sql: str = SLEEPS, times: int = 10) -> None:
    """Query like checks: many at once, each with a deadline."""

    def one(number: int) -> None:
        with lasting(10):
            some[number % len(some)].query(sql.format(number))

    with ThreadPoolExecutor(24) as threads:
        list(threads.map(one, range(times * len(some))))


def peak_of(server: pg.Server, role: str, work: Callable[[], None]) -> tuple[int, str]:
    """Return the largest number of a role's sessions during the work, and the server's refusals."""
    import psycopg

    server.until_alone(role)
    refused_before = server.log.read_text().count("FATAL:  too many connections for role")
    counting = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"  # noqa: S608 - a role of the test
    most = 0
    with psycopg.connect(server.dsn(), autocommit=True) as boss, ThreadPoolExecutor(1) as threads:
        done = threads.submit(work)
        while not done.done():
            row = boss.execute(counting.encode()).fetchone()
            most = max(most, row[0] if row else 0)
            time.sleep(0.005)
        done.result()
    return most, str(server.log.read_text().count("FATAL:  too many connections for role") - refused_before)


def test_systems_of_one_run_share_the_connections_of_a_role(server: pg.Server) -> None:
    assert peak_of(server, "many", lambda: look(databases(server, "many")[:1])) == (2, "0")
    # A connection just closed for another database's may still be counted.
    assert peak_of(server, "many", lambda: look(databases(server, "many")))[0] in (4, 5)


def test_run_uses_half_of_its_roles_limit(server: pg.Server) -> None:
    assert peak_of(server, "four", lambda: look(databases(server, "four")[:1])) == (2, "0")


def both(runs: list[list[Postgres]]) -> None:
    with ThreadPoolExecutor(len(runs)) as threads:
        list(threads.map(look, runs))


@pytest.mark.parametrize("role", ["four", "one"])
def test_two_runs_at_once_on_one_role(server: pg.Server, role: str) -> None:
    runs = [databases(server, role), databases(server, role)]
    assert peak_of(server, role, lambda: both(runs))[0] <= int(ROLES[role].split()[-1])


def test_idle_connections_are_closed_soon(server: pg.Server) -> None:
    [database, *_] = databases(server, "many")
    assert database.query("SELECT 1 AS one") == [{"one": 1}]
    counting = "SELECT count(*) AS n FROM pg_stat_activity WHERE usename = 'many'"
    boss = Postgres(server.dsn())
    assert boss.query(counting, fresh=True) == [{"n": 1}]
    time.sleep(1.3)
    assert boss.query(counting, fresh=True) == [{"n": 0}]
    assert database.query("SELECT 1 AS one", fresh=True) == [{"one": 1}]


def refusal(database: SqlDatabase, seconds: float) -> NoReading:
    with lasting(seconds), pytest.raises(NoReading) as caught:
        database.query("SELECT 1")
    return caught.value


def test_limit_of_the_role_is_waited_for_and_then_named(server: pg.Server) -> None:
    server.until_alone("four")
    with pg.held(server.dsn("four", SECRET)) as count:
        assert count == 4
        database, other, _ = databases(server, "four")
        with taking(1.5, at_least_s=0.7), ThreadPoolExecutor(8) as threads:
            gone, *_ = all_gone = list(threads.map(lambda _: refusal(database, 1.2), range(8)))
        assert {(one.kind, one.reason) for one in all_gone} == {(gone.kind, gone.reason)}
        assert gone.kind == "own-connection-limit"
        assert gone.reason == (
            f"127.0.0.1:{server.port}: all the connections that the monitor role four may hold are in use: "
            "raise its CONNECTION LIMIT or run fewer at once"
        )
        assert max(one.attempts for one in all_gone) > 2
        with taking(0.5):  # the previous wait failed: the next caller does not wait as long again
            assert refusal(other, 10).kind == "own-connection-limit"
    assert other.query("SELECT 1 AS one") == [{"one": 1}]


def test_limit_of_the_role_is_named_once_it_is_known(server: pg.Server) -> None:
    [database, *_] = databases(server, "one")
    database.query("SELECT 1")
    database.close()
    server.until_alone("one")
    with pg.held(server.dsn("one", SECRET)) as count:
        assert count == 1
        reported = "the monitor role one may hold 1 connection and all are in use"
        with lasting(0.8), pytest.raises(NoReading, match=reported):
            database.query("SELECT 1", fresh=True)


def test_connection_that_becomes_free_within_the_deadline_is_used(server: pg.Server) -> None:
    [database, *_] = databases(server, "one")
    server.until_alone("one")
    with ThreadPoolExecutor(1) as threads:
        with pg.held(server.dsn("one", SECRET)):
            waiting = threads.submit(database.query, "SELECT 1 AS one")
            time.sleep(0.6)
            assert not waiting.done()
        assert waiting.result() == [{"one": 1}]


def test_last_connection_of_the_server_is_enough_for_all(server: pg.Server) -> None:
    """Another role holds all but one: three databases and many checks wait for that one."""
    with pg.held(server.dsn("many", SECRET), at_most=8) as count:
        assert count == 8  # of 12, of which 2 are reserved, and one is the counting superuser's
        before = server.log.read_text().count("remaining connection slots")
        some = databases(server, "four")
        assert peak_of(server, "four", lambda: look(some)) == (1, "0")
    # A connection just closed may still be counted when the next one for another database is opened.
    assert server.log.read_text().count("remaining connection slots") - before < 15


@pytest.mark.parametrize("limit", [1, 4])
def test_an_account_of_mariadb_has_limits_too(mariadb: MariaDb, limit: int) -> None:
    mariadb.run(f"ALTER USER 'looker'@'%' WITH MAX_USER_CONNECTIONS {limit}")
    try:
        runs = [[Mysql(maria.dsn(mariadb), pools=pools)] * 3 for pools in (Pools(), Pools())]
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda run: look(run, "SELECT SLEEP(0.02), {} AS n"), runs))
        for run in runs:
            run[0].close()
        time.sleep(0.1)
        held = [mariadb.session("looker", password=maria.PASSWORD) for _ in range(limit)]
        gone = refusal(Mysql(maria.dsn(mariadb)), 0.8)
        for one in held:
            one.close()
    finally:
        mariadb.run("ALTER USER 'looker'@'%' WITH MAX_USER_CONNECTIONS 0")
    assert gone.kind == "own-connection-limit"
    several = "4 connections" if limit == 4 else "1 connection"
    reported = f"the monitor account looker may hold {several} and all are in use: raise its MAX_USER_CONNECTIONS"
    assert reported in gone.reason


def test_hourly_limit_of_an_account_is_not_a_fault_of_the_server(mariadb: MariaDb) -> None:
    mariadb.run("FLUSH USER_RESOURCES", "ALTER USER 'looker'@'%' WITH MAX_CONNECTIONS_PER_HOUR 1")
    try:
        [first, second] = Mysql(maria.dsn(mariadb)), Mysql(maria.dsn(mariadb))
        first.query("SELECT 1")
        gone = refusal(second, 5)
        assert (gone.kind, gone.attempts) == ("rate-limited", 1)
        assert "has used up its max_connections_per_hour (1): raise it or run less often" in gone.reason
        mariadb.run("ALTER USER 'looker'@'%' WITH MAX_CONNECTIONS_PER_HOUR 0 MAX_QUERIES_PER_HOUR 5")
        gone = refusal(second, 5)
        assert gone.kind == "rate-limited"
    finally:
        mariadb.run("ALTER USER 'looker'@'%' WITH MAX_CONNECTIONS_PER_HOUR 0 MAX_QUERIES_PER_HOUR 0")


def test_a_connection_that_is_released_is_not_logged_as_aborted(mariadb: MariaDb) -> None:
    def aborted() -> int:
        return int(str(mariadb.rows("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")[0]["Value"]))

    # The server may count what an earlier test left a moment later: wait until its counter is stable.
    before, since = aborted(), time.monotonic()
    while time.monotonic() < since + 1:
        time.sleep(0.1)
        if (now := aborted()) != before:
            before, since = now, time.monotonic()
    for more in ("?ssl-mode=DISABLED", "?ssl-mode=REQUIRED"):
        database = Mysql(maria.dsn(mariadb, more))
        assert database.query("SELECT 1 AS one") == [{"one": 1}]
        database.close()
    time.sleep(0.3)
    assert aborted() == before


def test_last_connection_of_mariadb_is_enough_for_all(mariadb: MariaDb) -> None:
    from runbook_checks_lab.servers.mariadb_settings import MAX_CONNECTIONS

    held: list[Any] = []
    try:
        while len(held) < MAX_CONNECTIONS - 1:
            held.append(mariadb.session("worker", password=maria.PASSWORD))
        look([Mysql(maria.dsn(mariadb))] * 2, "SELECT SLEEP(0.01), {} AS n")
    finally:
        for one in held:
            one.close()


def test_a_silent_server_is_waited_for_once_by_all_its_databases() -> None:
    with BlackHole() as hole:
        pools = Pools()
        dsns = [f"postgresql://u:p@127.0.0.1:{hole.port}/{name}" for name in DATABASES]
        some = [Postgres(dsn, connect_timeout_s=1.2, pools=pools) for dsn in dsns]
        with taking(1.3), ThreadPoolExecutor(3) as threads:
            gone = list(threads.map(lambda database: refusal(database, 10), some))
    assert [one.kind for one in gone] == ["connect-timeout"] * 3
    assert [one.evidence["database"] for one in gone] == list(DATABASES)
