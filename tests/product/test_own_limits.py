"""Reports when the monitoring role, or the server, has few connections: real servers, whole runs."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from runbook_checks_lab.servers.mariadb_settings import MAX_CONNECTIONS
from tests.harness import PROJECT, SYSTEM, Ran, run
from tests.probes import maria, pg, pki

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runbook_checks_lab.servers.mariadb import MariaDb

SECRET = "k9-Long-Enough"
ROLES = {"roomy": "", "four": "CONNECTION LIMIT 4", "one": "CONNECTION LIMIT 1"}
SYSTEMS = ("first", "second", "third")
PLACES = 30
DEADLINE_S = 5


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    made = [f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}' {limit}" for role, limit in ROLES.items()]
    made += [f"GRANT pg_monitor TO {', '.join(ROLES)}", f"CREATE ROLE app LOGIN PASSWORD '{SECRET}'"]
    made += [f"CREATE DATABASE {name}" for name in SYSTEMS]
    settings: dict[str, str | int] = {"max_connections": PLACES + 3, "superuser_reserved_connections": 3}
    with pg.started(*made, settings=settings) as started:
        yield started


def check(
    folder: Path,
    server: pg.Server,
    role: str,
    *words: str,
    systems: tuple[str, ...] = SYSTEMS,
    deadline_s: float = DEADLINE_S,
) -> Ran:
    """Check a database of each system, all on one server, with one role."""
    folder.mkdir(exist_ok=True)
    shutil.copy(PROJECT / "runbooks" / f"{SYSTEM}.yaml", folder / "runbook.yaml")
    looked_at = {
        name: {"runbook": "runbook.yaml", "deadline_s": deadline_s, "postgres": {"dsn": {"env": f"DSN_{name}"}}}
        for name in systems
    }
    file = folder / "shared.yaml"
    file.write_text(json.dumps({"name": "shared", "tier": "staging", "effects": "read", "systems": looked_at}))
    dsns = {f"DSN_{name}": server.dsn(role, SECRET, name) for name in systems}
    return run("--env", str(file), "-m", "database", *words, out=folder / "out", variables=dsns)


@pytest.mark.parametrize(("role", "words"), [("four", ()), ("one", ()), ("one", ("-n", "2"))])
def test_concurrent_runs_share_few_connections(
    server: pg.Server, tmp_path: Path, role: str, words: tuple[str, ...]
) -> None:
    """Three systems of one environment, and a monitoring run at the same time as a gate."""
    with ThreadPoolExecutor(2) as threads:
        ran = list(threads.map(lambda n: check(tmp_path / str(n), server, role, *words), range(2)))
    for one in ran:
        assert one.code == 0, one.output()
        assert {result["outcome"] for result in one.document["results"]} == {"clear"}


@pytest.mark.parametrize("words", [(), ("--serial",)])
def test_own_limit_is_unknown_and_one_root(server: pg.Server, tmp_path: Path, words: tuple[str, ...]) -> None:
    server.until_alone("four")
    with pg.held(server.dsn("four", SECRET)) as count:
        assert count == 4
        ran = check(tmp_path, server, "four", *words, systems=("first",), deadline_s=2)
    assert ran.code == 10, ran.output()
    assert ran.document["roots"] == ["unreadable:postgres[first]"]
    results = ran.document["results"]
    assert {(result["outcome"], result["resource"]) for result in results} == {("unknown", "postgres")}
    reported = "all the connections that the monitor role four may hold are in use: raise its CONNECTION LIMIT"
    assert all(reported in result["reason"] for result in results), ran.stdout
    assert max(result["attempts"] for result in results) > 2
    assert "too many" not in ran.stdout


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_server_without_a_free_connection_is_connections_exhausted(
    server: pg.Server, tmp_path: Path, words: tuple[str, ...]
) -> None:
    server.until_alone("roomy")
    with pg.held(server.dsn("app", SECRET), at_most=PLACES - 1) as count:
        assert count == PLACES - 1
        ran = check(tmp_path, server, "roomy", *words, systems=("first",))
    assert ran.code == 1, ran.output()
    assert ran.document["roots"] == ["database.connections-exhausted[first]"]
    outcomes = {name: result["outcome"] for name, result in ran.results.items()}
    assert outcomes.pop("database.connections-exhausted") == "found"
    assert set(outcomes.values()) == {"clear"}, ran.output()


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    with maria.running(tmp_path_factory.mktemp("mariadb"), pki.make("Test CA", is_ca=True)) as server:
        yield server


def check_mariadb(folder: Path, server: MariaDb, systems: tuple[str, ...] = SYSTEMS) -> Ran:
    folder.mkdir(exist_ok=True)
    looked_at = {
        name: {
            "runbook": str(PROJECT / "runbooks" / "reverseai.yaml"),
            "deadline_s": DEADLINE_S,
            "mysql": {"dsn": {"env": "DSN"}, "schema": "shop", "tables": ["books"]},
        }
        for name in systems
    }
    file = folder / "shared.yaml"
    file.write_text(json.dumps({"name": "shared", "tier": "staging", "effects": "read", "systems": looked_at}))
    words = (
        "-m",
        "database",
        "-k",
        "not statements_are_quick",
        "--env",
        str(file),
    )
    return run(*words, out=folder / "out", variables={"DSN": maria.dsn(server)})


def test_concurrent_runs_share_an_account_of_mariadb(mariadb: MariaDb, tmp_path: Path) -> None:
    mariadb.run("ALTER USER 'looker'@'%' WITH MAX_USER_CONNECTIONS 1")
    with ThreadPoolExecutor(2) as threads:
        ran = list(threads.map(lambda n: check_mariadb(tmp_path / str(n), mariadb), range(2)))
    held = mariadb.session("looker", password=maria.PASSWORD)
    limited = check_mariadb(tmp_path, mariadb, systems=("first",))
    held.close()
    mariadb.run("ALTER USER 'looker'@'%' WITH MAX_USER_CONNECTIONS 0")
    for one in ran:
        assert one.code == 0, one.output()
    assert limited.code == 10, limited.output()
    assert limited.document["roots"] == ["unreadable:mysql[first]"]
    assert "may hold 1 connection and all are in use: raise its MAX_USER_CONNECTIONS" in " ".join(
        limited.stdout.split()
    )


def test_mariadb_without_a_free_connection_is_connections_exhausted(mariadb: MariaDb, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS - 1):
            stack.enter_context(closing(mariadb.session("worker", password=maria.PASSWORD)))
        ran = check_mariadb(tmp_path, mariadb, systems=("first",))
    assert ran.code == 1, ran.output()
    assert ran.document["roots"] == ["database.connections-exhausted[first]"], ran.stdout
    outcomes = {name: result["outcome"] for name, result in ran.results.items()}
    assert outcomes.pop("database.connections-exhausted") == "found"
    assert set(outcomes.values()) == {"clear"}, ran.output()
