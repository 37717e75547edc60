"""The MySQL probe on real servers: MariaDB, and a stand-in for MySQL 8.

A real MySQL 8 is available neither from Debian nor from a package index, so a stand-in implements its part of the
protocol: the greeting, caching_sha2_password over TLS, and responses to statements.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.mysql import activity as mysqlactivity
from runbook_checks.probes.mysql.client import Mysql
from runbook_checks_lab.servers.mariadb import MariaDb
from runbook_checks_lab.servers.mariadb_sessions import sessions
from tests.misbehaving.mysqlwire import Sha2Server
from tests.misbehaving.server import FakeServer
from tests.probes import pki
from tests.probes.maria import PASSWORD, dsn, running


@pytest.fixture(scope="module")
def authority() -> pki.Made:
    return pki.make("Test CA", is_ca=True)


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory, authority: pki.Made) -> Iterator[MariaDb]:
    with running(tmp_path_factory.mktemp("mariadb"), authority) as server:
        yield server


def test_rows_are_unchanged(mariadb: MariaDb) -> None:
    database = Mysql(dsn(mariadb))
    assert database.query("SELECT title FROM books ORDER BY id") == [{"title": "Ünïcode — 书"}, {"title": None}]
    assert database.query("SELECT id FROM books WHERE title LIKE %s", ["%书"]) == [{"id": 1}]
    assert database.query("SELECT '100%' AS said") == [{"said": "100%"}]
    assert database.query("SELECT '%%d' AS said, %(n)s AS n", {"n": 7}) == [{"said": "%d", "n": 7}]
    database.close()


def test_ten_thousand_rows_are_read_and_not_one_more(mariadb: MariaDb) -> None:
    database = Mysql(dsn(mariadb))
    assert len(database.query("SELECT seq FROM seq_1_to_10000")) == 10_000
    with pytest.raises(NoReading, match="more than 10000 rows") as caught:
        database.query("SELECT seq FROM seq_1_to_10001")
    assert caught.value.kind == "too-many-rows"
    database.close()


def test_dsn_may_name_no_database(mariadb: MariaDb) -> None:
    for given, name in ((dsn(mariadb), "shop"), (dsn(mariadb).replace("/shop", "/"), None)):
        database = Mysql(given)
        assert database.query("SELECT DATABASE() AS name") == [{"name": name}]
        database.close()


def test_port_is_mysqls_where_the_dsn_names_none() -> None:
    with pytest.raises(NoReading) as caught:
        Mysql("mysql://looker:secret@nowhere.invalid/shop").query("SELECT 1")
    assert caught.value.evidence["port"] == 3306


def test_account_that_requires_tls_is_distinguished_from_a_wrong_password(mariadb: MariaDb) -> None:
    mariadb.run(
        f"CREATE USER 'careful'@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL", "GRANT SELECT ON shop.* TO 'careful'@'%'"
    )

    def kind_with(more: str, user: str) -> str | None:
        with pytest.raises(NoReading) as caught:
            Mysql(dsn(mariadb, more, user=user)).query("SELECT 1")
        return caught.value.kind

    try:
        assert kind_with("?ssl-mode=DISABLED", "careful") == "tls-required"
        assert kind_with("?ssl-mode=DISABLED", "stranger") == "authentication-failed"
        assert kind_with("?ssl-mode=REQUIRED", "stranger") == "authentication-failed"
        database = Mysql(dsn(mariadb, "?ssl-mode=REQUIRED", user="careful"))
        assert database.query("SELECT 1 AS one") == [{"one": 1}]
        database.close()
    finally:
        mariadb.run("DROP USER 'careful'@'%'")


def test_timeout_of_a_lock_is_shorter_than_that_of_a_statement(mariadb: MariaDb) -> None:
    holder = mariadb.session()
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLES shop.books WRITE")
        with pytest.raises(NoReading) as caught:
            Mysql(dsn(mariadb), statement_timeout_s=3).query("SELECT * FROM books")
    holder.close()
    assert caught.value.kind == "lock-timeout"


def test_connection_is_reused_after_an_error_and_replaced_after_a_loss(mariadb: MariaDb) -> None:
    database = Mysql(dsn(mariadb), statement_timeout_s=1)

    def own_id() -> int:
        return int(database.query("SELECT connection_id() AS id", fresh=True)[0]["id"])

    first = own_id()
    for statement in ("SELECT * FROM gone", "SELECT SLEEP(9)", "SELECT seq, (SELECT id FROM books) FROM seq_1_to_9"):
        with pytest.raises(NoReading):
            database.query(statement)
        assert own_id() == first
    mariadb.run(f"KILL {first}")
    second = own_id()
    assert second != first
    thread = threading.Timer(0.2, mariadb.run, (f"KILL {second}",))
    thread.start()
    database.query("SELECT 'once more', SLEEP(0.6)")
    thread.join()
    assert own_id() not in (first, second)
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO books VALUES (3, 'x', 1)",
        "DELETE FROM books",
        "CREATE TABLE more (id INT)",
        "SELECT 1; DELETE FROM books",
        "SELECT * FROM books INTO OUTFILE '/tmp/checks-must-not-write'",
    ],
)
def test_nothing_can_be_changed(mariadb: MariaDb, statement: str) -> None:
    """Not even by an account with write privileges."""
    with pytest.raises(NoReading):
        Mysql(dsn(mariadb, user="worker")).query(statement)
    assert mariadb.value("SELECT COUNT(*) FROM shop.books") == 2
    assert mariadb.value("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'shop'") == 1


def test_server_ends_a_statement_that_takes_too_long(mariadb: MariaDb) -> None:
    with pytest.raises(NoReading) as caught:
        Mysql(dsn(mariadb), statement_timeout_s=0.5).query("SELECT SLEEP(30)")
    assert caught.value.kind == "statement-timeout"


def test_at_most_two_connections_are_used_and_a_lost_one_is_replaced(mariadb: MariaDb) -> None:
    database = Mysql(dsn(mariadb))
    used = {row["id"] for _ in range(20) for row in database.query("SELECT connection_id() AS id")}
    assert len(used) == 1
    mariadb.run(*(f"KILL {connection}" for connection in used))
    assert database.query("SELECT 'again' AS said") == [{"said": "again"}]
    database.close()


def test_tls_is_verified_unless_the_dsn_says_otherwise(mariadb: MariaDb, tmp_path: Path) -> None:
    ca_file = str(mariadb.folder / "ca.pem")
    cipher = "SHOW STATUS LIKE 'Ssl_cipher'"
    assert Mysql(dsn(mariadb, "", host="localhost"), ca_file=ca_file).query(cipher)[0]["Value"]
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(pki.make("Somebody else", is_ca=True).pem)
    with pytest.raises(NoReading) as untrusted:
        Mysql(dsn(mariadb, "", host="localhost"), ca_file=str(stranger)).query("SELECT 1")
    assert untrusted.value.kind == "tls-failed"
    with pytest.raises(NoReading) as unknown:
        Mysql(dsn(mariadb, "")).query("SELECT 1")
    assert unknown.value.kind == "tls-failed"


def test_another_hosts_certificate_is_refused(mariadb: MariaDb, authority: pki.Made) -> None:
    other = Sha2Server(PASSWORD, _context_for("db.example.com", mariadb.folder, authority))
    with FakeServer(other) as server, pytest.raises(NoReading) as caught:
        Mysql(at(server), ca_file=str(mariadb.folder / "ca.pem")).query("SELECT 1")
    assert caught.value.kind == "tls-failed"
    assert "mismatch" in caught.value.reason


def test_sessions_need_the_privilege(mariadb: MariaDb) -> None:
    database = Mysql(dsn(mariadb))

    def rows(sql: str, *parameters: object) -> list[dict[str, object]]:
        return database.query(sql, parameters or None, fresh=True)

    with sessions(mariadb, 1, "worker", PASSWORD, ["BEGIN", "SELECT * FROM shop.books WHERE title = 'secret text'"]):
        idle = [s for s in mysqlactivity.sessions(rows, "looker") if s.user == "worker"]
        assert [s.is_idle for s in idle] == [True]
    with sessions(mariadb, 1, "worker", PASSWORD, ["SELECT SLEEP(3600), 'secret text'"]):
        busy = [s for s in mysqlactivity.sessions(rows, "looker") if s.user == "worker"]
        assert [(s.is_idle, s.statement) for s in busy] == [(False, "SELECT SLEEP(?), ?")]
    database.close()
    mariadb.run("REVOKE PROCESS ON *.* FROM 'looker'@'%'")
    try:
        database = Mysql(dsn(mariadb))
        with pytest.raises(NoReading) as caught:
            mysqlactivity.sessions(rows, "looker")
        assert caught.value.kind == "no-privilege"
        assert "GRANT PROCESS ON *.*" in caught.value.reason
    finally:
        mariadb.run("GRANT PROCESS ON *.* TO 'looker'@'%'")


def test_tables_are_found_in_any_database(mariadb: MariaDb) -> None:
    mariadb.run("CREATE DATABASE hidden", "CREATE TABLE hidden.books (id INT)")
    database = Mysql(dsn(mariadb))
    try:
        places = mysqlactivity.places(
            lambda sql, *values: database.query(sql, values or None),
            ["books", "gone"],
            "information_schema.innodb_sys_tables",
        )
    finally:
        mariadb.run("DROP DATABASE hidden")
    assert places == {"books": ["hidden", "shop"], "gone": []}


@pytest.fixture
def mysql8(tmp_path: Path, authority: pki.Made) -> Sha2Server:
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    return Sha2Server(PASSWORD, _context_for("localhost", tmp_path, authority))


def _context_for(name: str, folder: Path, authority: pki.Made) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki.make(name, authority, names=(name,)).write(folder, name=name))
    return context


def at(server: FakeServer, more: str = "") -> str:
    return f"mysql://looker:{PASSWORD}@localhost:{server.port}/shop{more}"


@pytest.mark.parametrize("is_cached", [False, True])
def test_caching_sha2_logs_in_over_verified_tls(mysql8: Sha2Server, tmp_path: Path, is_cached: bool) -> None:
    mysql8.is_cached = is_cached
    with FakeServer(mysql8) as server:
        assert Mysql(at(server), ca_file=str(tmp_path / "ca.pem")).query("SELECT 1 AS one") == [{"one": "1"}]
    assert mysql8.secrets_seen == ([] if is_cached else [PASSWORD.encode() + b"\0"])


def test_mysql_gets_its_own_settings(mysql8: Sha2Server, tmp_path: Path) -> None:
    with FakeServer(mysql8) as server:
        Mysql(at(server), ca_file=str(tmp_path / "ca.pem"), run_id="r1", statement_timeout_s=3).query("SELECT 1 AS one")
    said = " ".join(mysql8.statements)
    assert "max_execution_time = 3000" in said
    assert "max_statement_time" not in said
    assert "START TRANSACTION READ ONLY /* runbook-checks run=r1 */" in said


def test_password_is_not_sent_without_tls(mysql8: Sha2Server) -> None:
    """Without TLS the server would ask for it encrypted with a key that it sends itself."""
    mysql8.tls = None
    with FakeServer(mysql8) as server, pytest.raises(NoReading) as caught:
        Mysql(at(server, "?ssl-mode=DISABLED")).query("SELECT 1")
    assert caught.value.kind == "tls-required"
    assert mysql8.secrets_seen == []


def test_a_cached_password_needs_no_tls(mysql8: Sha2Server) -> None:
    mysql8.tls, mysql8.is_cached = None, True
    with FakeServer(mysql8) as server:
        assert Mysql(at(server, "?ssl-mode=DISABLED")).query("SELECT 1 AS one") == [{"one": "1"}]
