"""The root of chains of waiting sessions: computed, and on a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from runbook_checks.probes.postgres import activity as pgactivity
from runbook_checks.probes.postgres.client import Postgres
from runbook_checks.probes.sql.activity import Waiting
from runbook_checks.probes.sql.locks import chains
from tests.probes import pg


def waiting(pid: int, *blockers: int, waits_s: float = 5.0) -> Waiting:
    return Waiting(pid, "app", "shop", "active", "UPDATE t", blockers, waits_s if blockers else 0.0)


def test_no_session_waits() -> None:
    assert chains([]) == []


def test_root_of_two_levels_blocks_both() -> None:
    (chain,) = chains([waiting(3, 2, waits_s=2), waiting(2, 1, waits_s=9), waiting(1)])
    assert chain.root.pid == 1
    assert [one.pid for one in chain.waiting] == [3, 2]
    assert chain.longest_s == 9


def test_session_that_waits_for_two_roots_is_in_both_chains() -> None:
    found = {
        chain.root.pid: [one.pid for one in chain.waiting]
        for chain in chains([waiting(3, 1, 2), waiting(1), waiting(2)])
    }
    assert found == {1: [3], 2: [3]}


def test_cycle_of_three_is_one_chain_with_those_behind_it() -> None:
    (chain,) = chains([waiting(1, 2), waiting(2, 3), waiting(3, 1), waiting(4, 3)])
    assert [one.pid for one in chain.cycle] == [1, 2, 3]
    assert sorted(one.pid for one in chain.waiting) == [1, 2, 3, 4]


def test_two_cycles_and_a_chain_are_three() -> None:
    sessions = [waiting(1, 2), waiting(2, 1), waiting(3, 4), waiting(4, 3), waiting(6, 5), waiting(5)]
    found = chains(sessions)
    assert len(found) == 3
    assert sorted(len(chain.cycle) for chain in found) == [0, 2, 2]


def test_blocker_that_has_ended_is_not_a_root() -> None:
    assert chains([waiting(2, 1)]) == []


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    with pg.started(
        "CREATE TABLE t (id int PRIMARY KEY)",
        "INSERT INTO t SELECT generate_series(1, 9)",
        settings={"max_prepared_transactions": 2},
    ) as made:
        yield made


class Sessions(ExitStack):
    """Sessions of a real server, which terminates them: a session waiting for a lock does not notice a lost client."""

    def __init__(self, server: pg.Server) -> None:
        super().__init__()
        self._server = server
        ended = "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity WHERE application_name = 'locks'"
        self.callback(server.run, ended)

    def holding(self, *ids: int) -> psycopg.Connection[Any]:
        session = psycopg.connect(self._server.dsn(more="?application_name=locks"), autocommit=True)
        self.callback(session.pgconn.finish)
        session.execute("SET deadlock_timeout = '1h'")
        session.execute("BEGIN")
        for number in ids:
            session.execute("SELECT id FROM t WHERE id = %s FOR UPDATE", (number,))
        return session

    def wants(self, session: psycopg.Connection[Any], number: int) -> None:
        session.pgconn.send_query(f"SELECT id FROM t WHERE id = {number} FOR UPDATE".encode())  # noqa: S608  a number of the test


def seen(server: pg.Server, waiting_sessions: int) -> list[Any]:
    database = Postgres(server.dsn())
    try:
        end = time.monotonic() + 5
        while True:
            rows = pgactivity.waiting(lambda sql, *given: database.query(sql, given or None, fresh=True))
            if sum(bool(row.blockers) for row in rows) == waiting_sessions or time.monotonic() > end:
                return chains(rows)
            time.sleep(0.02)
    finally:
        database.close()


def test_real_cycle_of_three_before_the_server_ends_it(server: pg.Server) -> None:
    with Sessions(server) as sessions:
        three = [sessions.holding(number) for number in (1, 2, 3)]
        for session, wanted in zip(three, (2, 3, 1), strict=True):
            sessions.wants(session, wanted)
        (chain,) = seen(server, 3)
        assert {one.pid for one in chain.cycle} == {session.info.backend_pid for session in three}
        assert all(one.statement == "SELECT id FROM t WHERE id = ? FOR UPDATE" for one in chain.cycle)


def test_real_chain_of_two_levels_behind_an_idle_transaction(server: pg.Server) -> None:
    with Sessions(server) as sessions:
        root, middle, last = sessions.holding(1), sessions.holding(2), sessions.holding()
        sessions.wants(middle, 1)
        sessions.wants(last, 2)
        (chain,) = seen(server, 2)
        assert chain.root.pid == root.info.backend_pid
        assert chain.root.state == "idle in transaction"
        assert {one.pid for one in chain.waiting} == {middle.info.backend_pid, last.info.backend_pid}


def test_prepared_transaction_is_a_root_without_a_process(server: pg.Server) -> None:
    with Sessions(server) as sessions:
        sessions.holding(5).execute("PREPARE TRANSACTION 'forgotten'")
        sessions.wants(sessions.holding(), 5)
        (chain,) = seen(server, 1)
        assert chain.root.pid == 0
        assert chain.root.application == "a prepared transaction"
        server.run("ROLLBACK PREPARED 'forgotten'")
