"""Facts of a PostgreSQL reading from a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import certifi
import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.postgres.client import Postgres
from runbook_checks.probes.postgres.errors import kind_on_connect
from tests.probes import pg
from tests.probes.conftest import taking

SECRET = "s3cret-password-never-shown"


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    with pg.started(
        f"CREATE ROLE cs_monitor LOGIN PASSWORD '{SECRET}'",
        "CREATE TABLE cs_sessions (id int PRIMARY KEY, note text)",
        "INSERT INTO cs_sessions SELECT n, '100%' FROM generate_series(1, 50) n",
        "GRANT SELECT ON cs_sessions TO cs_monitor",
        "CREATE TABLE cs_secret (id int)",
        "CREATE DATABASE closed",
        "REVOKE CONNECT ON DATABASE closed FROM public",
    ) as made:
        yield made


def monitor(server: pg.Server, more: str = "", **settings: float | str | None) -> Postgres:
    return Postgres(server.dsn("cs_monitor", SECRET, more=more), **settings)  # type: ignore[arg-type]


def alive(server: pg.Server, pids: set[int]) -> set[int]:
    sql = "SELECT pid FROM pg_stat_activity WHERE usename = 'cs_monitor'"
    return {row["pid"] for row in Postgres(server.dsn()).query(sql)} & pids


def test_rows_are_dictionaries_with_python_values(server: pg.Server) -> None:
    database = monitor(server)
    assert database.query("SELECT count(*) AS n, min(note) AS note FROM cs_sessions") == [{"n": 50, "note": "100%"}]
    assert database.query("SELECT id FROM cs_sessions WHERE id = %(id)s", {"id": 7}) == [{"id": 7}]
    assert database.query("SELECT id FROM cs_sessions WHERE note LIKE '%\\%' AND id < 2") == [{"id": 1}]
    assert database.query("SELECT 1 AS one WHERE false") == []


def test_query_is_shared_and_each_caller_has_its_own_rows(server: pg.Server) -> None:
    database = monitor(server)
    first = database.query("SELECT clock_timestamp() AS t")
    first[0]["x"] = 1
    again = database.query("SELECT clock_timestamp() AS t")
    assert again == [{"t": first[0]["t"]}]
    assert database.query("SELECT clock_timestamp() AS t", fresh=True) != again


def test_every_statement_is_limited_and_read_only(server: pg.Server) -> None:
    database = monitor(server, run_id="r42'; DROP")
    [row] = database.query(
        "SELECT current_setting('transaction_read_only') AS ro, current_setting('statement_timeout') AS st, "
        "current_setting('lock_timeout') AS lt, current_setting('application_name') AS app"
    )
    assert row == {"ro": "on", "st": "5s", "lt": "2s", "app": "runbook-checks"}
    assert "BEGIN READ ONLY /* runbook-checks run=r42DROP */" in server.log.read_text()
    owner = Postgres(server.dsn())
    for sql in ("DELETE FROM cs_sessions RETURNING id", "SELECT 1; DROP TABLE cs_sessions", "COMMIT; DROP TABLE x"):
        with pytest.raises(NoReading) as caught:
            owner.query(sql)
        assert caught.value.kind == "sql-error"
    assert owner.query("SELECT count(*) AS n FROM cs_sessions") == [{"n": 50}]


def test_server_without_tls_is_unknown_where_the_dsn_says_nothing(server: pg.Server) -> None:
    """With a CA file in the environment, TLS is required although the DSN does not say so."""
    for more, ca_file, kind in (("", certifi.where(), "tls-undecided"), ("?sslmode=require", None, "tls-failed")):
        with pytest.raises(NoReading) as caught:
            Postgres(server.dsn("cs_monitor", SECRET, more=more), ca_file=ca_file).query("SELECT 1")
        assert caught.value.kind == kind
        assert "turn it on there, or where the network is trusted write sslmode=disable" in caught.value.reason
    said = server.dsn("cs_monitor", SECRET, more="?sslmode=disable")
    assert Postgres(said, ca_file=certifi.where()).query("SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    ("user", "password", "database", "kind", "sqlstate"),
    [
        ("cs_monitor", "wrong-password", "postgres", "authentication-failed", "28P01"),
        ("absent", SECRET, "postgres", "authentication-failed", "28P01"),
        ("cs_monitor", SECRET, "missing", "database-missing", "3D000"),
        ("cs_monitor", SECRET, "closed", "no-privilege", "42501"),
        ("cs_monitor", "", "postgres", "authentication-failed", None),
    ],
)
def test_reasons_for_a_refused_login(
    server: pg.Server, user: str, password: str, database: str, kind: str, sqlstate: str | None
) -> None:
    with taking(2), pytest.raises(NoReading) as caught:
        Postgres(server.dsn(user, password, database)).query("SELECT 1")
    gone = caught.value
    assert (gone.kind, gone.evidence.get("sqlstate")) == (kind, sqlstate)
    assert {
        "host": "127.0.0.1",
        "port": server.port,
        "database": database,
        "user": user,
    }.items() <= gone.evidence.items()
    assert SECRET not in str(gone)
    assert "wrong-password" not in str(gone)


def test_full_server_is_retried_for_a_second(server: pg.Server) -> None:
    server.until_alone("cs_monitor")
    with pg.held(server.dsn("cs_monitor", SECRET)), taking(2, at_least_s=1), pytest.raises(NoReading) as caught:
        monitor(server).query("SELECT 1")
    assert caught.value.kind == "too-many-connections"
    assert caught.value.attempts > 1


@pytest.mark.parametrize(
    ("sql", "kind", "sqlstate"),
    [
        ("SELECT * FROM cs_secret", "no-privilege", "42501"),
        ("SELECT * FROM cs_missing", "undefined-table", "42P01"),
        ("SELECT missing FROM cs_sessions", "sql-error", "42703"),
        ("SELEC 1", "sql-error", "42601"),
        ("SELECT pg_sleep(9)", "statement-timeout", "57014"),
        ("SELECT generate_series(1, 20000)", "too-many-rows", None),
        ("SELECT 'infinity'::timestamptz AS t", "sql-error", None),
    ],
)
def test_reasons_for_a_query_without_rows(server: pg.Server, sql: str, kind: str, sqlstate: str | None) -> None:
    database = monitor(server, statement_timeout_s=0.5)
    with taking(2), pytest.raises(NoReading) as caught:
        database.query(sql)
    assert (caught.value.kind, caught.value.evidence.get("sqlstate")) == (kind, sqlstate)
    assert database.query("SELECT 1 AS one") == [{"one": 1}]


def test_missing_privilege_names_the_object(server: pg.Server) -> None:
    with pytest.raises(NoReading, match="cs_monitor could not read it: permission denied for table cs_secret"):
        monitor(server).query("SELECT * FROM cs_secret")


def test_lock_time_out(server: pg.Server) -> None:
    import psycopg

    with psycopg.connect(server.dsn()) as holder:
        holder.execute("LOCK TABLE cs_sessions IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(NoReading) as caught:
            monitor(server, statement_timeout_s=1).query("SELECT * FROM cs_sessions")
    assert caught.value.kind == "lock-timeout"


def test_pg_hba_without_an_entry_is_host_not_allowed(server: pg.Server) -> None:
    server.hba("host all boss 127.0.0.1/32 scram-sha-256")
    server.reload()
    try:
        with pytest.raises(NoReading) as caught:
            monitor(server).query("SELECT 1")
        assert caught.value.kind == "host-not-allowed"
    finally:
        server.hba("host all all 127.0.0.1/32 scram-sha-256")
        server.reload()


def test_pg_variables_and_the_home_folder_are_ignored(
    server: pg.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    pgpass = f"{tmp_path}/.pgpass"
    with open(pgpass, "w") as file:
        file.write(f"*:*:*:*:{SECRET}\n")
    with open(pgpass) as file:
        import os

        os.fchmod(file.fileno(), 0o600)
    settings = {
        "HOME": str(tmp_path), "PGPASSFILE": pgpass, "PGPASSWORD": SECRET, "PGHOST": "elsewhere.invalid",
        "PGPORT": "1", "PGUSER": "other", "PGSERVICE": "missing", "PGOPTIONS": "-c nonsense=1", "PGTZ": "nowhere",
        "PGSSLMODE": "verify-full", "PGSSLCERTMODE": "require", "PGREQUIREAUTH": "none", "PGCONNECT_TIMEOUT": "x",
        "PGTARGETSESSIONATTRS": "standby", "PGMINPROTOCOLVERSION": "9",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert monitor(server).query("SELECT 1 AS one") == [{"one": 1}]
    with pytest.raises(NoReading, match="asks for a password and the DSN has none"):
        Postgres(f"host=127.0.0.1 port={server.port} user=cs_monitor dbname=postgres").query("SELECT 1")
    assert os.environ["PGPASSWORD"] == SECRET


def test_journal_has_the_query_without_rows(server: pg.Server, entries: list[Reading]) -> None:
    monitor(server).query("SELECT note\n  FROM cs_sessions LIMIT 2")
    [entry] = entries
    assert entry.title == "SQL SELECT note FROM cs_sessions LIMIT 2"
    assert entry.facts["rows"] == 2
    assert "100%" not in repr(entry)
    assert SECRET not in repr(entry)


def test_thirty_threads_use_two_connections_and_no_more(server: pg.Server) -> None:
    database = monitor(server)
    seen: set[int] = set()

    def look(number: int) -> int:
        [row] = database.query(f"SELECT pg_backend_pid() AS pid, {number} AS n, pg_sleep(0.02)::text")
        seen.add(row["pid"])
        return int(row["n"])

    with ThreadPoolExecutor(30) as threads:
        assert list(threads.map(look, range(60))) == list(range(60))
    assert len(seen) == 2
    assert alive(server, seen) == seen
    database.close()
    time.sleep(0.2)
    assert alive(server, seen) == set()


def test_one_query_of_thirty_threads_is_sent_once(server: pg.Server) -> None:
    database = monitor(server)
    with ThreadPoolExecutor(30) as threads:
        found = list(threads.map(lambda _: database.query("SELECT random() AS r, pg_sleep(0.1)::text"), range(30)))
    assert len({row["r"] for [row] in found}) == 1


def test_a_kept_connection_that_the_server_closed_is_replaced(server: pg.Server) -> None:
    database = monitor(server)
    [row] = database.query("SELECT pg_backend_pid() AS pid")
    server.run(f"SELECT pg_terminate_backend({row['pid']})")
    time.sleep(0.1)
    [other] = database.query("SELECT pg_backend_pid() AS pid", fresh=True)
    assert other["pid"] != row["pid"]


def test_wait_for_a_connection_is_limited(server: pg.Server) -> None:
    database = monitor(server, connections=1, connect_timeout_s=0.5, statement_timeout_s=3)
    thread = threading.Thread(target=lambda: database.query("SELECT pg_sleep(1.5)"))
    thread.start()
    time.sleep(0.2)
    token = current.set(Deadline(0.4))
    try:
        with taking(0.8), pytest.raises(NoReading) as caught:
            database.query("SELECT 1")
    finally:
        current.reset(token)
    assert caught.value.kind == "pool-busy"
    thread.join()
    assert database.query("SELECT 1 AS one") == [{"one": 1}]


def test_a_deadline_within_a_query_closes_its_connection_and_the_next_query_works(server: pg.Server) -> None:
    database = monitor(server, connections=1)
    deadline = Deadline(20)
    threading.Timer(0.3, deadline.expire).start()
    token = current.set(deadline)
    try:
        with taking(0.9), pytest.raises(NoReading) as caught:
            database.query("SELECT pg_sleep(4)")
    finally:
        current.reset(token)
    assert caught.value.kind == "connection-lost"
    assert database.query("SELECT 1 AS one") == [{"one": 1}]


CHINESE = {
    '用户 "cs_monitor" Password 认证失败': "authentication-failed",
    '角色 "cs_monitor" 不存在': "authentication-failed",
    '不允许角色"cs_monitor" 进行登录': "authentication-failed",
    '数据库 "ai_customer_service" 不存在': "database-missing",
    '没有用于主机 "10.0.0.9", 用户 "u", 数据库 "d", no encryption 的 pg_hba.conf 记录': "host-not-allowed",
    "对不起, 已经有太多的客户": "too-many-connections",
    "已保留的连接位置为执行非复制请求的超级用户预留": "too-many-connections",
    '由角色"cs_monitor"发起的连接太多了': "own-connection-limit",
    '到数据库 "d"的连接太多了': "too-many-connections",
    "数据库系统启动中": "starting-up",
    "数据库系统停止中": "starting-up",
    "数据库系统在恢复模式中": "starting-up",
    "对数据库 closed 权限不够": "no-privilege",
    "服务器不支持 SSL, 但是要求使用 SSL": "tls-failed",
    "服务器意外地关闭了联接": "connection-lost",
}


@pytest.mark.parametrize("words", CHINESE)
def test_messages_in_chinese(words: str) -> None:
    assert kind_on_connect(None, f"致命错误:  {words}") == CHINESE[words]


ENGLISH = {
    "sorry, too many clients already": "too-many-connections",
    "remaining connection slots are reserved for roles with the SUPERUSER attribute": "too-many-connections",
    'too many connections for role "x"': "own-connection-limit",
    'too many connections for database "x"': "too-many-connections",
    "no more connections allowed (max_client_conn)": "too-many-connections",
    "client connections exceeded (max_db_client_connections)": "too-many-connections",
    "client connections exceeded (max_user_client_connections)": "own-connection-limit",
    "query_wait_timeout": "own-connection-limit",
    "(EMAXCONN) max client connections reached, limit: 200": "too-many-connections",
    "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited": "own-connection-limit",
    "(EMAXCONNSESSION) max clients reached in session mode": "own-connection-limit",
    "the database system is not yet accepting connections": "starting-up",
    'role "x" is not permitted to log in': "authentication-failed",
    "SASL authentication failed": "authentication-failed",
    'database "x" does not exist': "database-missing",
    "no such database: x": "database-missing",
    "SSL required": "tls-required",
    "connection is insecure (try using `sslmode=require`)": "tls-required",
    'server certificate for "a" does not match host name "b"': "tls-failed",
    "SSL error: certificate verify failed: unable to get local issuer certificate": "tls-failed",
    "some unknown message": None,
}


@pytest.mark.parametrize("words", ENGLISH)
def test_messages_without_a_sqlstate(words: str) -> None:
    assert kind_on_connect(None, f"FATAL:  {words}") == ENGLISH[words]
    assert kind_on_connect("08P01", f"ERROR:  {words}") == ENGLISH[words]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("zu viele Verbindungen von Rolle »cs_monitor«", "own-connection-limit"),
        ("trop de connexions pour le rôle « cs_monitor »", "own-connection-limit"),
        ("tut mir leid, schon zu viele Verbindungen", "too-many-connections"),
        ("zu viele Verbindungen für Datenbank »shop«", "too-many-connections"),
        ('too many connections for database "cs_monitor"', "too-many-connections"),
    ],
)
def test_limit_of_a_role_names_the_role_in_every_language(words: str, kind: str) -> None:
    assert kind_on_connect("53300", f"FATAL:  {words}", "cs_monitor") == kind
