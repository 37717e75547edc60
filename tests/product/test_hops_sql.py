"""How many modules of ours one SELECT of a check enters, from its handle down to the driver."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from runbook_checks.handles.mysql import MysqlDatabase
from runbook_checks.handles.postgres import PostgresDatabase
from tests.harness import PROJECT
from tests.probes import maria, pg, pki
from tests.probes.handles import handle

ENGINE = f"{PROJECT / 'src' / 'runbook_checks'}/"
MOST = 9


@contextmanager
def entered() -> Iterator[set[str]]:
    """The files of the engine of which a function is called inside the block."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(ENGINE):
            found.add(code.co_filename.removeprefix(ENGINE))

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


def hops(select: Callable[[str], Any]) -> list[str]:
    """Those of one SELECT on a database that has been asked before, as most SELECTs of a run are."""
    with entered() as cold:
        select("SELECT 1 AS one")
    print(len(cold), sorted(cold))
    with entered() as found:
        assert select("SELECT 2 AS two") == [{"two": 2}]
    print(len(found), sorted(found))
    return sorted(found)


def test_select_on_postgresql_enters_few_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pg.started() as server:
        monkeypatch.setenv("DSN", server.dsn())
        with handle(PostgresDatabase, tmp_path, postgres={"dsn": {"env": "DSN"}}) as database:
            found = hops(database.rows)
    assert "handles/postgres.py" in found
    assert len(found) <= MOST, found


def test_select_on_mariadb_enters_few_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with maria.running(tmp_path, pki.make("Test CA", is_ca=True)) as server:
        monkeypatch.setenv("DSN", maria.dsn(server))
        with handle(MysqlDatabase, tmp_path, mysql={"dsn": {"env": "DSN"}, "schema": "shop"}) as database:
            found = hops(database.rows)
    assert "handles/mysql.py" in found
    assert len(found) <= MOST, found
