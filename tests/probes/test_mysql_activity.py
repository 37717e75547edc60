"""Statistics of a real MariaDB: active sessions, waiting ones, large tables, slow statements."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.mysql import activity as mysqlactivity
from runbook_checks.probes.mysql.client import Mysql
from runbook_checks.probes.sql.activity import SlowStatement
from runbook_checks_lab.servers.mariadb import MariaDb
from runbook_checks_lab.servers.mariadb_sessions import sessions
from tests.probes import pki
from tests.probes.maria import PASSWORD, dsn, running

Rows = Callable[..., list[dict[str, Any]]]
SLEEPING = "SELECT SLEEP(3600)"


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    with running(tmp_path_factory.mktemp("mariadb"), pki.make("Test CA", is_ca=True)) as server:
        server.run(
            "GRANT SELECT ON mysql.slow_log TO 'looker'@'%'", "GRANT SELECT ON performance_schema.* TO 'looker'@'%'"
        )
        yield server


@pytest.fixture
def rows(mariadb: MariaDb) -> Iterator[Rows]:
    database = Mysql(dsn(mariadb))
    yield lambda sql, *values: database.query(sql, values or None, fresh=True)
    database.close()


def working(mariadb: MariaDb, *statements: str) -> Any:
    return sessions(mariadb, 1, "worker", PASSWORD, statements)


def soon(look: Callable[[], Any], wanted: Any) -> Any:
    """Return the result once it is the expected one, otherwise the last one."""
    end = time.monotonic() + 5
    while (seen := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return seen


@contextmanager
def replicating(mariadb: MariaDb) -> Iterator[None]:
    """Threads of the server itself: one that is not a daemon, and a scheduler, which is one."""
    mariadb.run(
        "SET GLOBAL event_scheduler = ON",
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9, MASTER_USER = 'absent'",
        "START SLAVE",
    )
    try:
        yield
    finally:
        mariadb.run("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL event_scheduler = OFF")


def test_connections_are_grouped_by_activity_without_the_servers_own_threads(mariadb: MariaDb, rows: Rows) -> None:
    def kinds() -> Counter[tuple[str, str, str]]:
        found = mysqlactivity.in_use(rows)
        return Counter((one["application"], one["kind"], one["state"]) for one in found if one["application"] != "root")

    wanted = {
        ("looker", "active-load", "Query"): 1,
        ("worker", "active-load", "Query"): 1,
        ("worker", "idle-in-transaction", "Sleep"): 1,
        ("worker", "idle-pool", "Sleep"): 1,
    }
    with (
        replicating(mariadb),
        working(mariadb, "SELECT 1"),
        working(mariadb, "BEGIN", "SELECT * FROM shop.books"),
        working(mariadb, SLEEPING),
    ):
        everybody = mariadb.rows("SELECT user, command FROM information_schema.processlist")
        assert {"system user", "event_scheduler"} <= {row["user"] for row in everybody}
        assert soon(kinds, wanted) == wanted
    assert mysqlactivity.maximum(rows) == mariadb.value("SELECT @@max_connections")


def test_sessions_are_active_or_in_a_transaction_with_their_waits(mariadb: MariaDb, rows: Rows) -> None:
    def seen() -> list[tuple[str, bool, bool]]:
        found = mysqlactivity.sessions(rows, "looker")
        return sorted((one.statement, one.is_idle, one.waits_for_lock) for one in found if one.user != "root")

    locking = "SELECT id FROM shop.books WHERE id = 1 FOR UPDATE"
    wanted = [
        ("SELECT SLEEP(?)", False, False),
        ("SELECT id FROM shop.books WHERE id = ? FOR UPDATE", False, True),
        ("no statement", True, False),
    ]
    with working(mariadb, "SELECT 1"), working(mariadb, SLEEPING), working(mariadb, "BEGIN", locking):
        waiting: Any = mariadb.session("worker", password=PASSWORD)
        waiting.begin()
        waiting._execute_command(3, locking)
        try:
            assert soon(seen, wanted) == wanted
            time.sleep(1.1)
            assert all(1 <= one.age_s < 60 for one in mysqlactivity.sessions(rows, "looker"))
        finally:
            mariadb.run(f"KILL {waiting.thread_id()}")
            waiting._force_close()


def test_tables_of_other_engines_are_found_too(mariadb: MariaDb, rows: Rows) -> None:
    mariadb.run("CREATE TABLE shop.notes (id INT) ENGINE = MyISAM")
    try:
        found = mysqlactivity.places(rows, ["notes", "books", "gone"], "information_schema.innodb_sys_tables")
    finally:
        mariadb.run("DROP TABLE shop.notes")
    assert found == {"notes": ["shop"], "books": ["shop"], "gone": []}


def test_sizes_are_of_this_databases_tables_largest_first(mariadb: MariaDb, rows: Rows) -> None:
    mariadb.run(
        "CREATE TABLE shop.large (id INT PRIMARY KEY, note VARCHAR(1000), KEY (note)) ENGINE = MyISAM",
        "INSERT INTO shop.large SELECT seq, RPAD(seq, 1000, 'x') FROM seq_1_to_2000",
        "CREATE TABLE shop.small (id INT PRIMARY KEY) ENGINE = MyISAM",
        "CREATE VIEW shop.seen AS SELECT * FROM shop.small",
        "CREATE DATABASE other",
        "CREATE TABLE other.elsewhere (id INT)",
        "GRANT SELECT ON other.* TO 'looker'@'%'",
        database="shop",
    )
    reported = mariadb.rows("SHOW TABLE STATUS FROM shop LIKE 'large'")[0]
    try:
        found = mysqlactivity.sizes(rows, "shop", ["small"])
        assert [(one.name, one.schema) for one in found] == [("large", "shop"), ("books", "shop"), ("small", "shop")]
        assert found[0].data_mb == pytest.approx(reported["Data_length"] / 2**20, abs=0.01)
        assert found[0].data_mb > 1.9
        assert found[0].index_mb == pytest.approx(reported["Index_length"] / 2**20, abs=0.01)
        assert (found[0].rows, found[2].rows) == (2000, 0)
        with pytest.raises(NoReading, match="shop shows no table gone;") as missing:
            mysqlactivity.sizes(rows, "shop", ["small", "gone"])
        assert missing.value.kind == "undefined-table"
        with pytest.raises(NoReading, match="nowhere shows no table at all;"):
            mysqlactivity.sizes(rows, "nowhere", [])
    finally:
        mariadb.run("DROP DATABASE other", "DROP VIEW shop.seen", "DROP TABLE shop.large, shop.small")


@contextmanager
def settings(mariadb: MariaDb, **given: str) -> Iterator[None]:
    """Set global variables within the block."""
    before = {name: mariadb.value(f"SELECT @@global.{name}") for name in given}
    mariadb.run(*(f"SET GLOBAL {name} = {value}" for name, value in given.items()))
    try:
        yield
    finally:
        mariadb.run(*(f"SET GLOBAL {name} = {value!r}" for name, value in before.items()))


def slow(rows: Rows, than_ms: float = 0, calls: int = 1, minutes: float = 10) -> list[SlowStatement]:
    return mysqlactivity.slow_statements(rows, "shop", minutes, than_ms, calls)


LOGGED = (
    "INSERT INTO mysql.others SELECT NOW() - INTERVAL {age_s} SECOND, '{who}[{who}] @ localhost [127.0.0.1]',"
    " '{took}', 0, 0, 0, 'shop', 0, 0, 0, '{statement}', 1, 0 FROM seq_1_to_{times}"
)


@contextmanager
def slow_log(mariadb: MariaDb, *entries: dict[str, Any]) -> Iterator[None]:
    """Use a slow log with these entries. It accepts only the server's own rows, so another table replaces it."""
    columns = "statement", "times", "who", "age_s", "took"
    usual = dict(zip(columns, ("SELECT 1", 1, "worker", 1, "00:00:02"), strict=True))
    mariadb.run(
        "CREATE TABLE mysql.others LIKE mysql.slow_log",
        *(LOGGED.format(**usual | entry) for entry in entries),
        "RENAME TABLE mysql.slow_log TO mysql.own, mysql.others TO mysql.slow_log",
        database="shop",
    )
    try:
        yield
    finally:
        mariadb.run(
            "RENAME TABLE mysql.slow_log TO mysql.others, mysql.own TO mysql.slow_log", "DROP TABLE mysql.others"
        )


def test_slow_log_is_read_for_the_window_without_the_monitors_own_statements(mariadb: MariaDb, rows: Rows) -> None:
    entries: list[dict[str, Any]] = [
        {"statement": "SELECT a", "times": 2, "took": "00:00:02.250000"},
        {"statement": "SELECT a", "age_s": 300, "took": "00:01:00.750000"},
        {"statement": "SELECT b", "took": "00:00:03"},
        {"statement": "SELECT c", "age_s": 700},
        {"statement": "SELECT d", "who": "looker"},
    ]
    with slow_log(mariadb, *entries):
        found = slow(rows)
        assert [(one.statement, one.calls, one.mean_ms, one.total_ms) for one in found] == [
            ("SELECT a", 3, 21750, 65250),
            ("SELECT b", 1, 3000, 3000),
        ]
        assert [one.statement for one in slow(rows, minutes=1)] == ["SELECT b", "SELECT a"]
        assert [one.statement for one in slow(rows, than_ms=3000)] == ["SELECT a"]
        assert [one.statement for one in slow(rows, calls=3)] == ["SELECT a"]
        assert slow(rows, than_ms=30000, calls=3) == slow(rows, calls=4) == []


def test_newest_entries_of_a_slow_log_without_end_count(mariadb: MariaDb, rows: Rows) -> None:
    with slow_log(mariadb, {"statement": "SELECT old", "times": 9, "age_s": 60}, {"times": 5000}):
        assert [(one.statement, one.calls) for one in slow(rows)] == [("SELECT ?", 5000)]


@pytest.mark.parametrize("log", [{"slow_query_log": "0"}, {"log_output": "'FILE'"}])
def test_summaries_supplement_the_slow_log(mariadb: MariaDb, rows: Rows, log: dict[str, str]) -> None:
    mariadb.run("TRUNCATE performance_schema.events_statements_summary_by_digest")
    mariadb.run("SELECT SLEEP(0.2) AS napped", "SELECT SLEEP(0.1) AS dozed", "SELECT 1 AS one", database="shop")
    mariadb.run("SELECT SLEEP(0.2) AS elsewhere", database="mysql")
    with settings(mariadb, **log):
        found = slow(rows, than_ms=50)
        assert [(one.statement, one.calls) for one in found] == [
            ("SELECT `SLEEP` (?) AS `napped`", 1),
            ("SELECT `SLEEP` (?) AS `dozed`", 1),
        ]
        assert 200 <= found[0].mean_ms == found[0].total_ms < 1000
        assert slow(rows, than_ms=50, minutes=0) == []


def test_missing_grant_is_named_and_other_reasons_are_unchanged(mariadb: MariaDb, rows: Rows) -> None:
    mariadb.run("REVOKE SELECT ON mysql.slow_log FROM 'looker'@'%'")
    try:
        with pytest.raises(NoReading, match=r"it needs GRANT SELECT ON mysql.slow_log TO 'looker'") as refused:
            slow(rows)
    finally:
        mariadb.run("GRANT SELECT ON mysql.slow_log TO 'looker'@'%'")
    assert refused.value.kind == "no-privilege"
    with pytest.raises(NoReading) as unknown:
        mysqlactivity.with_grant(rows, "SELECT ON shop.*", "SELECT * FROM shop.gone")
    assert unknown.value.kind == "undefined-table"
    assert "GRANT" not in unknown.value.reason
