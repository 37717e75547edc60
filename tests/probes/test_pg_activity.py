"""Statistics of a real PostgreSQL: active and idle sessions, slow statements, unused indexes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres import activity as pgactivity
from runbook_checks.probes.postgres import statistics as pgcounters
from runbook_checks.probes.postgres.client import Postgres
from tests.probes import pg

Rows = Callable[..., list[dict[str, Any]]]
DAY_S = 86400
RECORDED = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_planning": "off"}

ENDED = """
    SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
    WHERE application_name IN ('crowd', '', 'runbook-checks') AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    with pg.started(
        f"CREATE ROLE looker LOGIN PASSWORD '{pg.PASSWORD}' IN ROLE pg_read_all_stats",
        "CREATE SCHEMA extensions",
        "GRANT USAGE ON SCHEMA extensions TO looker",
        "CREATE EXTENSION pg_stat_statements SCHEMA extensions",
        "CREATE TABLE items (id int)",
        "INSERT INTO items VALUES (1)",
        "CREATE DATABASE other",
        settings={**RECORDED, "max_connections": 30, "autovacuum": "off", "fsync": "off"},
    ) as made:
        yield made


@contextmanager
def looking(server: pg.Server, user: str = "looker", database: str = "postgres") -> Iterator[Rows]:
    with ExitStack() as stack:
        found = Postgres(server.dsn(user, database=database))
        stack.callback(found.close)
        yield lambda sql, *values: found.query(sql, values or None, fresh=True)


@pytest.fixture
def rows(server: pg.Server) -> Iterator[Rows]:
    with looking(server) as found:
        yield found


class Crowd(ExitStack):
    """Sessions that did something, or are still doing it; terminated by the server at the end."""

    def __init__(self, server: pg.Server) -> None:
        super().__init__()
        self._server = server
        self.callback(server.run, ENDED)

    def add(self, *statements: str, database: str = "postgres", application: str = "crowd", last: str = "") -> int:
        dsn = self._server.dsn(database=database, more=f"?application_name={application}")
        session = psycopg.connect(dsn, autocommit=True)
        self.callback(session.pgconn.finish)
        for statement in statements:
            session.execute(statement.encode())
        if last:
            session.pgconn.send_query(last.encode())
        return session.info.backend_pid


def still_for_s(server: pg.Server) -> dict[int, float]:
    """Return how long each session has been in its state."""
    sql = "SELECT pid, extract(epoch FROM clock_timestamp() - state_change)::float8 FROM pg_stat_activity"
    with psycopg.connect(server.dsn()) as session:
        return dict(session.execute(sql).fetchall())


def test_sessions_are_active_or_in_a_transaction_in_this_database(server: pg.Server, rows: Rows) -> None:
    with Crowd(server) as crowd:
        idle = crowd.add("BEGIN", "SELECT id, pg_sleep(1), 'secret' FROM items FOR UPDATE")
        nameless = crowd.add(application="", last="SELECT pg_sleep(60)")
        waiting = crowd.add(last="SELECT id FROM items FOR UPDATE")
        crowd.add("SELECT 1")
        crowd.add("BEGIN", database="other")
        crowd.add("BEGIN", application="runbook-checks")
        time.sleep(0.8)
        found, truth = {one.pid: one for one in pgactivity.sessions(rows)}, still_for_s(server)
    assert {(pid, one.is_idle, one.waits_for_lock) for pid, one in found.items()} == {
        (idle, True, False),
        (nameless, False, False),
        (waiting, False, True),
    }
    assert {one.application for one in found.values()} == {"crowd", "unnamed"}
    assert found[idle].statement == "SELECT id, pg_sleep(?), ? FROM items FOR UPDATE"
    assert found[idle].age_s == pytest.approx(truth[idle], abs=0.4), "since its last statement ended"
    assert found[nameless].age_s == pytest.approx(truth[nameless], abs=0.4)


def test_sessions_with_hidden_activity_are_no_reading(server: pg.Server, rows: Rows) -> None:
    with Crowd(server) as crowd:
        crowd.add("SET track_activities = off")
        with pytest.raises(NoReading) as hidden:
            pgactivity.sessions(rows)
    assert hidden.value.kind == "not-tracked"


def test_waiting_sessions_and_their_blockers_only(server: pg.Server, rows: Rows) -> None:
    with Crowd(server) as crowd:
        root = crowd.add("BEGIN", "SELECT id FROM items FOR UPDATE")
        crowd.add("BEGIN", "LOCK TABLE items IN ROW SHARE MODE")
        waiter = crowd.add(last="SELECT id FROM items FOR UPDATE")
        time.sleep(0.4)
        found = {one.pid: one for one in pgactivity.waiting(rows)}
    assert {pid: one.blockers for pid, one in found.items()} == {root: (), waiter: (root,)}
    assert 0.3 <= found[waiter].waits_s < 3


def test_idle_sessions_are_grouped_by_application_largest_first(server: pg.Server, rows: Rows) -> None:
    with Crowd(server) as crowd:
        old = [crowd.add("SELECT 1"), crowd.add("SELECT 1")]
        time.sleep(0.5)
        old.append(crowd.add("SELECT 1"))
        single = crowd.add("SELECT 1", application="")
        crowd.add("BEGIN")
        crowd.add("SELECT 1", database="other")
        crowd.add("SELECT 1", application="runbook-checks")
        time.sleep(0.5)
        crowd.add("SELECT 1")
        found, truth = pgactivity.idle_sessions(rows, 0.4), still_for_s(server)
        assert [(one.application, one.pids) for one in found] == [("crowd", tuple(old)), ("unnamed", (single,))]
        assert found[0].longest_s == pytest.approx(truth[old[0]], abs=0.3)
        between_s = still_for_s(server)[old[2]] + 0.25
        assert [one.pids for one in pgactivity.idle_sessions(rows, between_s)] == [tuple(old[:2])]


def test_slow_statements_are_of_other_roles_slowest_first(server: pg.Server, rows: Rows) -> None:
    server.run("SELECT extensions.pg_stat_statements_reset()")
    with pytest.raises(NoReading) as fresh:
        pgactivity.slow_statements(rows, 50, 3)
    assert fresh.value.kind == "no-statistics"
    twice = ["SELECT pg_sleep(0.1) AS quicker", "SELECT pg_sleep(0.2), 'x' AS slower", "SELECT 7 AS quick"] * 2
    server.run(*twice, "SELECT 1, 2, pg_sleep(0.1) AS once", "CREATE TABLE made AS SELECT pg_sleep(0.1)::text")
    rows("SELECT pg_sleep(0.1) AS own")
    rows("SELECT pg_sleep(0.1) AS own")
    with psycopg.connect(server.dsn(database="other")) as elsewhere:
        elsewhere.execute("SELECT pg_sleep(0.1) AS elsewhere")
    found = pgactivity.slow_statements(rows, 50, 2)
    assert [one.statement for one in found] == ["SELECT pg_sleep($1), $2 AS slower", "SELECT pg_sleep($1) AS quicker"]
    assert [(one.calls, 200 <= one.mean_ms < 400) for one in found] == [(2, True), (2, False)]
    assert found[0].total_ms == pytest.approx(2 * found[0].mean_ms)
    assert len(pgactivity.slow_statements(rows, 50, 1)) == 3, "a single call too, maintenance never"


def test_unrecorded_statements_are_no_reading(server: pg.Server) -> None:
    with looking(server, database="other") as rows, pytest.raises(NoReading) as missing:
        pgactivity.slow_statements(rows, 50, 1)
    assert missing.value.kind == "extension-missing"
    server.run("ALTER ROLE looker SET pg_stat_statements.track = 'none'")
    with looking(server) as rows, pytest.raises(NoReading) as off:
        pgactivity.slow_statements(rows, 50, 1)
    server.run("ALTER ROLE looker RESET pg_stat_statements.track")
    assert off.value.kind == "not-tracked"


# --------------------------------------------------------------------------------------- counters
def kind_of(rows: Rows, days: float) -> str | None:
    """Return the reason why the counters are no reading."""
    try:
        pgcounters.require(rows, days)
    except NoReading as gone:
        return gone.kind
    return None


def test_counters_are_used_when_old_enough_and_not_zero(server: pg.Server) -> None:
    server.run("CREATE DATABASE counted")

    def run(*statements: str) -> None:
        with psycopg.connect(server.dsn(database="counted"), autocommit=True) as session:
            for statement in statements:
                session.execute(statement.encode())

    with looking(server, database="counted") as rows:
        run("SELECT pg_stat_reset()")
        assert kind_of(rows, 2.5 / DAY_S) == "too-young"
        time.sleep(2.7)
        assert kind_of(rows, 2.5 / DAY_S) is None, "a database without tables"
        run("CREATE TABLE read (id int)")
        assert kind_of(rows, 2.5 / DAY_S) == "no-statistics"
        run("SELECT * FROM read")
        time.sleep(0.2)
        assert kind_of(rows, 2.5 / DAY_S) is None
        with pytest.raises(NoReading, match=r"counted are only 0\.\d+ h old, and are meaningful after 12 h"):
            pgcounters.require(rows, 0.5)
        with pytest.raises(NoReading, match=r"are meaningful after 1\.5 days"):
            pgcounters.require(rows, 1.5)
    server.run("ALTER ROLE looker SET track_counts = off")
    with looking(server, database="counted") as rows:
        assert kind_of(rows, 0) == "not-tracked"
    server.run("ALTER ROLE looker RESET track_counts")


def test_unused_indexes_exclude_those_of_constraints(server: pg.Server, rows: Rows) -> None:
    server.run(
        "CREATE TABLE goods (id int PRIMARY KEY, code int NOT NULL UNIQUE, during int4range, name text, price int,"
        " shelf int, EXCLUDE USING gist (during WITH &&))",
        "CREATE UNIQUE INDEX goods_both ON goods (id, code)",
        "CREATE INDEX goods_name ON goods (name)",
        "CREATE INDEX goods_price ON goods (price)",
        "CREATE INDEX goods_used ON goods (shelf)",
        "CREATE INDEX goods_broken ON goods (price, name)",
        "CREATE TABLE owners (code int REFERENCES goods (code))",
        "INSERT INTO goods SELECT n, n, NULL, repeat('x', 200) || n, 1, n FROM generate_series(1, 20000) n",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'goods_broken'::regclass",
    )
    server.run("ANALYZE goods", "SET enable_indexonlyscan = off", "SELECT name FROM goods WHERE shelf = 7")
    server.run("SELECT name FROM goods")
    time.sleep(0.2)
    found = [one for one in pgcounters.unused_indexes(rows) if one.table == "goods"]
    with psycopg.connect(server.dsn()) as session:
        time.sleep(0.2)
        [reported] = session.execute(
            "SELECT pg_relation_size('goods_name'), seq_scan + idx_scan FROM pg_stat_user_tables"
            " WHERE relname = 'goods'"
        ).fetchall()
        [unused] = session.execute(
            "SELECT array_agg(indexrelname::text) FROM pg_stat_user_indexes WHERE relname = 'goods' AND idx_scan = 0"
        ).fetchall()
    server.run("DROP TABLE owners, goods")
    assert {"goods_both", "goods_code_key", "goods_broken", "goods_during_excl"} <= set(unused[0])
    assert [one.name for one in found] == ["goods_name", "goods_price"]
    assert found[0].size_mb == pytest.approx(reported[0] / 2**20)
    assert found[0].table_scans == reported[1] >= 2


def test_dead_rows_and_hours_since_the_last_vacuum(server: pg.Server, rows: Rows) -> None:
    server.run(
        "CREATE TABLE worn (id int)",
        "INSERT INTO worn SELECT generate_series(1, 100)",
    )
    begun = time.monotonic()
    server.run("VACUUM worn", "ANALYZE worn")
    server.run("CREATE TABLE untouched (id int)", "DELETE FROM worn WHERE id <= 40")
    time.sleep(1.2)
    found = {one.name: one for one in pgcounters.tables(rows)}
    passed_s = time.monotonic() - begun
    server.run("DROP TABLE worn, untouched")
    worn, untouched = found["worn"], found["untouched"]
    assert (worn.live, worn.dead, worn.schema) == (60, 40, "public")
    assert worn.vacuumed_h is not None
    assert worn.analyzed_h is not None
    assert 1.2 <= worn.vacuumed_h * 3600 <= passed_s
    assert 1.2 <= worn.analyzed_h * 3600 <= passed_s
    assert (untouched.vacuumed_h, untouched.analyzed_h) == (None, None)


def test_rows_older_than_a_limit_are_counted_if_visible(server: pg.Server, rows: Rows) -> None:
    server.run(
        "CREATE TABLE kept (at timestamptz, state text)",
        "INSERT INTO kept SELECT now() - make_interval(hours => 24 * n + 1), (ARRAY['done', 'open'])[n % 2 + 1]"
        " FROM generate_series(0, 9) n",
        "GRANT SELECT ON kept TO looker",
    )

    def older(days: float, where: tuple[str, str] | None = None) -> tuple[int, Any]:
        found = pgcounters.older_rows(rows, ("public", "kept"), "at", days, where)
        return found["count"], found["oldest_days"]

    try:
        assert older(7) == (3, pytest.approx(9 + 1 / 24, abs=0.01))
        assert older(7, ("state", "done")) == (1, pytest.approx(8 + 1 / 24, abs=0.01))
        assert older(30)[0] == 0
        server.run("ALTER TABLE kept ENABLE ROW LEVEL SECURITY")
        with pytest.raises(NoReading, match="row-level security hides rows of kept") as hidden:
            older(7)
    finally:
        server.run("DROP TABLE kept")
    assert hidden.value.kind == "hidden-rows"
