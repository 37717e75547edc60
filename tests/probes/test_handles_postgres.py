"""Handles on a real PostgreSQL: tables, connections, a migration tool's table, a service's rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runbook_checks.handles.backing import AiStatus, Ledger
from runbook_checks.handles.postgres import PostgresDatabase
from runbook_checks.probes.core.reading import NoReading
from tests.hostile.services import always, answering, document
from tests.misbehaving.server import FakeServer
from tests.probes import pg
from tests.probes.handles import handle


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    with pg.started(
        f"CREATE ROLE looker LOGIN PASSWORD '{pg.PASSWORD}' IN ROLE pg_monitor",
        f"CREATE ROLE blind LOGIN PASSWORD '{pg.PASSWORD}'",
        "CREATE SCHEMA other",
        *("CREATE TABLE books (id int, kind text)", "CREATE TABLE unasked (id int)"),
        *("CREATE VIEW other.books AS SELECT 1 AS one", "CREATE TABLE parts (id int) PARTITION BY LIST (id)"),
        "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one",
        *("CREATE SEQUENCE counter", "CREATE INDEX pointer ON books (id)", "CREATE TYPE shape AS (id int)"),
        "INSERT INTO books VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL)",
        "CREATE TABLE _prisma_migrations (migration_name text, finished_at date, rolled_back_at date)",
        "INSERT INTO _prisma_migrations VALUES ('3', NULL, NULL), ('1', now(), NULL), ('2', now(), now())",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker, blind",
        *("CREATE TABLE hidden (LIKE _prisma_migrations)", "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY"),
        "GRANT SELECT ON hidden TO looker",
    ) as made:
        yield made


@pytest.fixture(autouse=True)
def _dsn(server: pg.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("looker", "blind"):
        monkeypatch.setenv(f"DSN_{role}", server.dsn(role))


def database(tmp_path: Path, role: str = "looker", **more: Any) -> Any:
    return handle(PostgresDatabase, tmp_path, postgres={"dsn": {"env": f"DSN_{role}"}, **more})


def refusal(ask: Any) -> NoReading:
    with pytest.raises(NoReading) as caught:
        ask()
    return caught.value


def test_tables_are_found_in_any_schema_and_nothing_else(tmp_path: Path, server: pg.Server) -> None:
    names = ["books", "parts", "kept", "counter", "pointer", "shape", "nowhere", "pg_class", "scratch"]
    with psycopg.connect(server.dsn()) as session, database(tmp_path, "blind") as one:
        session.execute("CREATE TEMPORARY TABLE scratch (id int)")
        session.commit()
        found = {name: sorted(schemas) for name, schemas in one.places(names).items()}
        assert (one.name, found) == (
            "postgres",
            {"books": ["other", "public"], "parts": ["public"], "kept": ["public"]},
        )


def test_rows_are_counted_again_each_time(tmp_path: Path, server: pg.Server) -> None:
    with database(tmp_path) as one:
        assert (one.count("books", "kind", "a"), one.count("books", "id", "3"), one.count("books", "kind", "x")) == (
            *(2, 1, 0),
        )
        server.run("INSERT INTO books VALUES (5, 'x')")
        assert one.count("books", "kind", "x") == 1
        server.run("DELETE FROM books WHERE id = 5")


def test_connections_are_grouped_by_kind(tmp_path: Path, server: pg.Server) -> None:
    with (
        psycopg.connect(server.dsn(more="?application_name=busy")) as first,
        psycopg.connect(server.dsn(more="?application_name=busy")) as second,
        psycopg.connect(server.dsn(more="?application_name=still"), autocommit=True) as third,
        database(tmp_path) as one,
    ):
        for session in (first, second, third):
            session.execute("SELECT 1")
        found = one.connections()
    reported = {(group["application"], group["kind"]): group["count"] for group in found.groups}
    assert found.maximum == 12
    assert reported[("busy", "idle-in-transaction")] == 2
    assert reported[("still", "idle-pool")] == 1
    assert reported[("runbook-checks", "active-load")] == 1
    assert [group["count"] for group in found.groups] == sorted(reported.values(), reverse=True)


def test_role_that_sees_only_itself_is_no_reading(tmp_path: Path) -> None:
    with database(tmp_path, "blind") as one:
        for ask in (one.connections, one.sessions, one.slow_statements, one.lock_chains, one.idle_sessions):
            gone = refusal(ask)
            assert (gone.kind, "GRANT pg_read_all_stats TO blind" in gone.reason) == ("no-privilege", True)
    with database(tmp_path) as one:
        one.require_role("pg_read_all_stats")
        assert one.lock_chains() == []
        assert refusal(lambda: one.row("SELECT 1 WHERE false")).kind == "sql-error"


def test_migrations_are_ordered_by_name(tmp_path: Path) -> None:
    def ledger(**more: Any) -> Any:
        return handle(Ledger, tmp_path, postgres={"dsn": {"env": "DSN_looker"}, **more})

    with ledger(ledger={"expected": "3"}) as one:
        states = [(entry.name, entry.state) for entry in one.entries()]
        assert (states, one.expected) == ([("1", "done"), ("2", "rolled-back"), ("3", "unfinished")], "3")
    with ledger(ledger={"rolled_back": None}) as one:
        assert [entry.state for entry in one.entries()] == ["done", "done", "unfinished"]
    with ledger(ledger={"table": "hidden"}) as one:
        assert refusal(one.entries).kind == "no-privilege"
    with ledger() as one:
        assert refusal(one.entries).kind == "no-source"


# ------------------------------------------------------------------------ a service's AI status
@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (200, {"quota": {"used": 7}}, None),
        (503, {"quota": {"used": 7}}, None),
        (404, {"quota": {"used": 7}}, "wrong-status"),
        (200, [7], "wrong-status"),
        (200, {"quota": {"used": True}}, "field-missing"),
        (200, {"quota": {"used": "7"}}, "field-missing"),
        (200, {"quota": 7}, "field-missing"),
        (200, {}, "field-missing"),
    ],
)
def test_value_that_is_not_a_number_is_not_read(tmp_path: Path, status: int, said: Any, kind: str | None) -> None:
    with (
        FakeServer(always(document(said, status=f"{status} So"))) as server,
        handle(AiStatus, tmp_path, http={"base_url": server.url}, ai={"path": "/ai"}) as ai,
    ):
        if kind is None:
            answer, found = ai.read()
            assert ai.number(answer, found, "quota.used") == 7.0
        else:
            assert refusal(lambda: ai.number(*ai.read(), "quota.used")).kind == kind


def test_ai_status_comes_only_from_the_service(tmp_path: Path) -> None:
    with (
        FakeServer(answering(lambda _, path: document({"path": path}))) as server,
        handle(AiStatus, tmp_path, http={"base_url": server.url}, ai={"path": "/ai"}) as ai,
    ):
        assert ai.read()[1] == {"path": "/ai"}
