"""Handles reading a service's own tables, on a real MariaDB."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runbook_checks.handles.abuse import Abuse
from runbook_checks.handles.executions import Executions
from runbook_checks.handles.mysql import MysqlDatabase
from runbook_checks.handles.provisioning import Provisioning
from runbook_checks.handles.tables import first_fit, in_path, payload
from runbook_checks.probes.core.reading import NoReading
from runbook_checks_lab.servers.mariadb import MariaDb
from runbook_checks_lab.toolbox import NotHere, find
from tests.hostile.services import answering, document
from tests.misbehaving.prometheus import vector
from tests.misbehaving.server import FakeServer
from tests.probes.handles import handle

PASSWORD = "k9-Long-Enough"
SCHEMA = """
CREATE TABLE runs (
  id BIGINT PRIMARY KEY, status VARCHAR(20), error_message TEXT NULL, started_at DATETIME(3), completed_at DATETIME(3)
);
CREATE TABLE nodes (
  id BIGINT PRIMARY KEY AUTO_INCREMENT, execution_id BIGINT, node_id VARCHAR(20), node_type VARCHAR(20),
  status VARCHAR(20), error TEXT NULL, duration_ms INT NULL, started_at DATETIME(3)
);
CREATE TABLE events (event_type VARCHAR(40), payload_json TEXT, created_at DATETIME(3));
CREATE TABLE records (
  workspace_id VARCHAR(40), db_name VARCHAR(80), status VARCHAR(20), created_at DATETIME(3), updated_at DATETIME(3)
);
"""


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    try:
        find("mariadbd")
    except NotHere as missing:
        pytest.skip(str(missing))
    server = MariaDb(tmp_path_factory.mktemp("mariadb"), [("shop", SCHEMA), ("other", "CREATE TABLE runs (id INT);")])
    asyncio.run(server.start())
    server.run(
        f"CREATE USER 'looker'@'%' IDENTIFIED BY '{PASSWORD}'",
        "GRANT SELECT ON shop.* TO 'looker'@'%'",
        "GRANT SELECT ON mysql.user TO 'looker'@'%'",
        "GRANT SELECT ON mysql.db TO 'looker'@'%'",
        f"CREATE USER 'sighted'@'%' IDENTIFIED BY '{PASSWORD}'",
        "GRANT SHOW DATABASES ON *.* TO 'sighted'@'%'",
        *("CREATE DATABASE ws_one", "CREATE DATABASE ws_two", "CREATE DATABASE wsx_three"),
        *(f"CREATE USER '{name}'@'{host}' IDENTIFIED BY '{PASSWORD}'" for name, host in ACCOUNTS),
        "GRANT SELECT, INSERT ON `ws\\_one`.* TO 'wsu_one'@'%'",
        "GRANT DELETE ON ws_one.* TO 'wsu_one'@'10.0.0.1'",
        "GRANT SELECT ON ws_one.* TO 'wsu_two'@'%'",
        "GRANT SELECT ON ws_two.* TO 'wsux_two'@'%'",
    )
    yield server
    asyncio.run(server.stop())


ACCOUNTS = [("wsu_one", "%"), ("wsu_one", "10.0.0.1"), ("wsu_two", "%"), ("wsux_two", "%")]


@pytest.fixture(autouse=True)
def _empty(mariadb: MariaDb) -> None:
    mariadb.run(*(f"TRUNCATE {table}" for table in ("runs", "nodes", "events", "records")), database="shop")


@pytest.fixture(autouse=True)
def _dsn(mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("looker", "sighted"):
        dsn = f"mysql://{user}:{PASSWORD}@127.0.0.1:{mariadb.port}/mysql?ssl-mode=DISABLED"
        monkeypatch.setenv(f"DSN_{user}", dsn if user == "looker" else dsn.replace("/mysql?", "/?"))


def given(user: str = "looker") -> dict[str, Any]:
    return {"dsn": {"env": f"DSN_{user}"}, "schema": "shop"}


def insert(mariadb: MariaDb, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows into one table; values for columns that end in _at are seconds ago, and optional."""
    for row in rows:
        names = [name for name, value in row.items() if value is not None]
        values = [
            f"NOW(3) - INTERVAL {row[name]} SECOND" if name.endswith("_at") else f"'{row[name]}'" for name in names
        ]
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608  the test's own names
        mariadb.run(sql, database="shop")


def refusal(ask: Any) -> NoReading:
    with pytest.raises(NoReading) as caught:
        ask()
    return caught.value


# ---------------------------------------------------------------------------------- executions
def executions(tmp_path: Path, **more: Any) -> Any:
    rule = {"table": "runs", "node_table": "nodes", **more}
    return handle(Executions, tmp_path, mysql=given(), executions=rule)


def run(number: int, status: str, started_at: float, completed_at: float | None = None, error: str = "") -> Any:
    reported = {"id": number, "status": status, "started_at": started_at, "completed_at": completed_at}
    return reported | {"error_message": error or None}


def node(of: int, status: str, started_at: float = 100, *, kind: str = "http", **more: Any) -> Any:
    reported = {"execution_id": of, "node_id": f"n{started_at}", "node_type": kind, "status": status}
    return reported | {"started_at": started_at} | more


def test_table_without_recent_rows_is_no_reading(tmp_path: Path, mariadb: MariaDb) -> None:
    for ago_s, kind in ((None, "not-in-use"), (25 * 3600, "not-in-use"), (23 * 3600, None)):
        if ago_s:
            insert(mariadb, "runs", run(ago_s, "completed", ago_s))
        with executions(tmp_path) as one:
            if kind:
                assert refusal(one.require_use).kind == kind
            else:
                one.require_use()


def test_stuck_executions_are_running_ones_older_than_the_limit(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(
        mariadb,
        "runs",
        *(run(1, "running", 1900), run(2, "running", 3000), run(3, "running", 1700), run(4, "completed", 4000)),
    )
    with executions(tmp_path) as one:
        assert [row["id"] for row in one.stuck()] == [2, 1]
        assert one.stuck()[0]["age_s"] == pytest.approx(3000, abs=20)


def test_at_most_a_thousand_are_read(tmp_path: Path, mariadb: MariaDb) -> None:
    rows = ", ".join(f"({number}, 'running', NOW() - INTERVAL 1 DAY)" for number in range(1100))
    mariadb.run(f"INSERT INTO runs (id, status, started_at) VALUES {rows}", database="shop")  # noqa: S608  the test's own
    with executions(tmp_path) as one:
        assert len(one.stuck()) == 1000


def test_executions_of_the_window_are_counted(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(
        mariadb,
        "runs",
        *(run(1, "completed", 3500), run(2, "failed", 3400, error="a"), run(3, "failed", 60), run(4, "running", 60)),
        *(run(5, "completed", 3700), run(6, "failed", 3800, error="old")),
    )
    with executions(tmp_path) as one:
        assert one.finished() == (3, 2)
        assert [(row["id"], row["error"]) for row in one.failed()] == [(3, ""), (2, "a")]
    mariadb.run("TRUNCATE runs", database="shop")
    with executions(tmp_path) as one:
        assert one.finished() == (0, 0)


def test_completed_executions_without_a_result(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(
        mariadb,
        "runs",
        *(run(1, "completed", 200, 100), run(2, "completed", 200, 100), run(3, "completed", 200, 100)),
        *(run(4, "completed", 100, 100), run(5, "completed", 90, 10), run(6, "completed", 4000, 3700)),
        *(run(7, "failed", 200, 100), run(8, "completed", 3800, 3500)),
    )
    mariadb.run("UPDATE runs SET completed_at = started_at WHERE id = 4", database="shop")
    insert(
        mariadb,
        "nodes",
        *(node(1, "success"), node(1, "error"), node(2, "error"), node(2, "failed"), node(2, "skipped")),
        *(node(4, "success"), node(5, "error"), node(6, "error"), node(7, "error")),
    )
    with executions(tmp_path) as one:
        reported = [(row["id"], row["nodes"], row["succeeded"], row["failed"]) for row in one.empty()]
        took = {row["id"]: float(row["took_ms"]) for row in one.empty()}
    assert reported == [(8, 0, 0, 0), (4, 1, 1, 0), (3, 0, 0, 0), (2, 3, 0, 2)]
    assert took[2] == pytest.approx(100_000, abs=2000)
    assert took[4] == 0


def test_errors_and_slow_runs_are_counted_by_type_of_node(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(
        mariadb,
        "nodes",
        *(node(1, "success", duration_ms=31_000), node(1, "error", duration_ms=29_000), node(2, "failed")),
        *(node(1, "error", 3700, duration_ms=90_000), node(1, "success", kind="mail"), node(2, "running", kind="mail")),
        node(3, "success", 3500, kind="mail"),
    )
    with executions(tmp_path) as one:
        found = {row["node_type"]: [int(row[n]) for n in ("runs", "errors", "slow")] for row in one.by_node_type()}
    assert found == {"http": [3, 2, 1], "mail": [3, 0, 0]}


def test_longest_run_is_reported(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(mariadb, "nodes", node(1, "success", duration_ms=31_000), node(1, "success", duration_ms=5))
    with executions(tmp_path) as one:
        [row] = one.by_node_type()
    assert row["longest_ms"] == 31_000


def test_most_frequent_errors_of_the_window(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(
        mariadb,
        "nodes",
        *(node(n, "error", error="timeout") for n in range(2)),
        *(node(n, "failed", error="refused") for n in range(3)),
        *(node(n, "error", 3700, error="old") for n in range(9)),
        *(node(n, "success", error="warned") for n in range(9)),
        *(node(n, "error", error="bounced", kind="mail") for n in range(9)),
        node(1, "error", kind="silent"),
    )
    with executions(tmp_path) as one:
        assert one.common_error("http") == "refused"
        assert one.common_error("silent") == ""
        assert one.common_error("absent") == ""


def test_nodes_are_ordered_within_their_execution(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(mariadb, "nodes", node(1, "success", 50), node(1, "success", 90), node(3, "success"), node(2, "error", 10))
    with executions(tmp_path) as one:
        found = one.nodes_of([1, 2, 4])
        assert one.nodes_of([]) == {}
    assert {of: [n["node_id"] for n in nodes] for of, nodes in found.items()} == {1: ["n90", "n50"], 2: ["n10"], 4: []}


def test_configured_names_are_quoted(tmp_path: Path, mariadb: MariaDb) -> None:
    insert(mariadb, "nodes", node(1, "it''s \\\\off"), node(1, "error"))
    with executions(tmp_path, node_failed=["it's \\off"]) as one:
        [row] = one.by_node_type()
    assert (row["runs"], row["errors"]) == (2, 1)


def test_tables_are_named_with_their_database(tmp_path: Path) -> None:
    with executions(tmp_path) as one:
        assert one.named("runs") == "`shop`.`runs`"
        assert one.named("other.runs") == "`other`.`runs`"
        assert one.named("a`b") == "`shop`.`a``b`"
        assert one.api == "https://API"
        assert refusal(lambda: one.row("SELECT 1 AS one UNION SELECT 2")).kind == "sql-error"
        assert refusal(lambda: one.row("SELECT 1 AS one LIMIT 0")).kind == "sql-error"
    with executions(tmp_path, table="other.runs") as one:
        assert "`other`.`runs`" in one._sql("{executions}")
    rule = {"table": "runs", "node_table": "nodes"}
    http = {"base_url": "https://api.shop.test/"}
    with handle(Executions, tmp_path, mysql=given(), executions=rule, http=http) as one:
        assert one.api == "https://api.shop.test"


def test_payload_of_an_event() -> None:
    assert payload('{"a": 1}') == {"a": 1}
    assert [payload(text) for text in (None, "", "[1]", "{", "7")] == [{}] * 5
    causes = {"first": ["x$", "TIME"], "second": ["time", "b"]}
    assert [first_fit(causes, *texts) for texts in (("ax", "b"), ("a b", "timeout"), ("xb",), ("c", "B"), ("c",))] == [
        *("first", "first", "second", "second", None)
    ]
    assert in_path("a/b c") == "a%2Fb%20c"


# ---------------------------------------------------------------------------------------- abuse
def abuse(tmp_path: Path, **more: Any) -> Any:
    extra = {"prometheus": more.pop("prometheus")} if "prometheus" in more else {}
    rule = {"events_table": "events", "window_min": 10, "windows": 2, "least": 4, **more}
    return handle(Abuse, tmp_path, mysql=given(), abuse=rule, **extra)


def events(mariadb: MariaDb, kind: str, *ago_s: float, **carried: Any) -> None:
    said = json.dumps(carried)
    insert(mariadb, "events", *({"event_type": kind, "payload_json": said, "created_at": ago} for ago in ago_s))


LIMITED, RISK = "runtime_rate_limited", "runtime_risk_detected"


def test_without_events_there_is_no_usual_rate(tmp_path: Path) -> None:
    with abuse(tmp_path) as one:
        assert refusal(lambda: one.counts(LIMITED)).kind == "not-in-use"


def test_events_are_counted_window_by_window(tmp_path: Path, mariadb: MariaDb) -> None:
    events(mariadb, LIMITED, 10, 300, 590, 620, 1100, 1300, 1790, 1850, -600)
    events(mariadb, RISK, 20)
    with abuse(tmp_path) as one:
        assert one.counts(LIMITED) == (3, 2.0)
        assert one.counts(RISK) == (1, 0.0)
        assert one.counts("unheard of") == (0, 0.0)


def test_surge_is_a_multiple_of_the_usual_rate(tmp_path: Path, mariadb: MariaDb) -> None:
    events(mariadb, LIMITED, 10, 20, 30, 40, 50, 60, 70, 700, 1300, 1400, 800)
    events(mariadb, RISK, 10, 20, 30)
    with abuse(tmp_path) as one:
        assert one.surging() == [(LIMITED, 7, 2.0)]
        assert [one.is_surge(*pair) for pair in ((4, 1), (3, 0), (4, 1.4), (6, 2), (7, 2))] == [
            *(True, False, False, False, True)
        ]


def test_sources_of_events(tmp_path: Path, mariadb: MariaDb) -> None:
    events(mariadb, LIMITED, 10, 20, ip_hash="h1", ip="10.0.0.1")
    events(mariadb, LIMITED, 30, 40, 50, ip="10.0.0.2")
    events(mariadb, LIMITED, 60, ip="")
    events(mariadb, LIMITED, 700, 710, 720, 730, ip="10.0.0.9")
    events(mariadb, RISK, 10, 11, 12, 13, ip="10.0.0.8")
    with abuse(tmp_path) as one:
        assert one.sources(LIMITED) == [("10.0.0.2", 3), ("h1", 2), ("unknown", 1)]


def test_traffic_is_compared_with_windows_before(tmp_path: Path) -> None:
    reported = iter((90, 10, 20))

    def answer(_method: str, path: str) -> bytes:
        assert "600s" in path
        return document(vector({"metric": {}, "value": [1, str(next(reported))]}))

    with FakeServer(answering(answer)) as server:
        expression = "sum(increase(anonymous[{window}]))"
        with abuse(tmp_path, traffic=expression, prometheus={"url": server.url}) as one:
            assert one.traffic() == (90, 15.0)
        with abuse(tmp_path, prometheus={"url": server.url}) as one:
            assert one.traffic() is None
        with abuse(tmp_path, traffic=expression) as one:
            assert one.traffic() is None


# --------------------------------------------------------------------------------- provisioning
def provisioning(tmp_path: Path, user: str = "looker", **more: Any) -> Any:
    rule = {"table": "records", "events_table": "events", **more}
    return handle(Provisioning, tmp_path, mysql=given(user), provisioning=rule)


def test_records_have_their_age(tmp_path: Path, mariadb: MariaDb) -> None:
    with provisioning(tmp_path) as one:
        assert refusal(one.records).kind == "not-in-use"
    reported = {"workspace_id": "one", "db_name": "ws_one", "status": "ready", "created_at": 900, "updated_at": 60}
    insert(mariadb, "records", reported)
    with provisioning(tmp_path) as one:
        [record] = one.records()
    assert (record["workspace"], record["name"], record["status"]) == ("one", "ws_one", "ready")
    assert (record["age_s"], record["still_s"]) == (pytest.approx(900, abs=20), pytest.approx(60, abs=20))


def test_failures_are_grouped_by_workspace_newest_first(tmp_path: Path, mariadb: MariaDb) -> None:
    failed = "db.provision.failed"
    events(mariadb, failed, 300, workspace_id="one", step="grant", error="denied", more=None)
    events(mariadb, failed, 100, workspace_id="one", error="timeout")
    events(mariadb, failed, 50, error="lost")
    events(mariadb, failed, 25 * 3600, workspace_id="old")
    events(mariadb, "db.provision.done", 10, workspace_id="two")
    with provisioning(tmp_path) as one:
        found = {workspace: [row["said"] for row in rows] for workspace, rows in one.failures().items()}
    assert found == {"one": ["timeout", "grant: denied"], "unknown": ["lost"]}


def test_databases_are_listed_if_visible(tmp_path: Path) -> None:
    with provisioning(tmp_path, "sighted") as one:
        assert one.schemas() == {"ws_one", "ws_two"}
    with provisioning(tmp_path) as one:
        assert refusal(one.schemas).kind == "no-privilege"


def test_accounts_and_their_grants(tmp_path: Path) -> None:
    with provisioning(tmp_path) as one:
        assert {name: sorted(hosts) for name, hosts in one.hosts().items()} == {
            "wsu_one": ["%", "10.0.0.1"],
            "wsu_two": ["%"],
        }
        assert one.granted() == {("wsu_one", "%"): {"SELECT", "INSERT"}, ("wsu_one", "10.0.0.1"): {"DELETE"}}
        assert (one.schema_of("x"), one.account_of("x")) == ("ws_x", "wsu_x")


def test_connections_are_grouped(tmp_path: Path, mariadb: MariaDb) -> None:
    mariadb.run("GRANT PROCESS ON *.* TO 'sighted'@'%'")
    with handle(MysqlDatabase, tmp_path, mysql=given("sighted")) as one:
        found = one.connections()
        assert one.user == "sighted"
        places = one.places(["runs", "nodes", "nowhere"])
    reported = {name: sorted(schemas) for name, schemas in places.items() if schemas}
    assert reported == {"runs": ["other", "shop"], "nodes": ["shop"]}
    assert found.maximum > 0
    assert sum(group["count"] for group in found.groups) >= 1
