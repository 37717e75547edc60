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
MOST_AT_FIRST = 17  # the first one also resolves the DSN, reads it, and connects


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


def must_enter_few(select: Callable[[str], Any], handle_file: str) -> None:
    with entered() as first:
        assert select("SELECT 1 AS one") == [{"one": 1}]
    with entered() as found:
        assert select("SELECT 2 AS two") == [{"two": 2}]
    assert handle_file in found
    assert len(found) <= MOST, sorted(found)
    assert len(first) <= MOST_AT_FIRST, sorted(first)


def test_select_on_postgresql_enters_few_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pg.started() as server:
        monkeypatch.setenv("DSN", server.dsn())
        with handle(PostgresDatabase, tmp_path, postgres={"dsn": {"env": "DSN"}}) as database:
            must_enter_few(database.rows, "handles/postgres.py")


def test_select_on_mariadb_enters_few_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with maria.running(tmp_path, pki.make("Test CA", is_ca=True)) as server:
        monkeypatch.setenv("DSN", maria.dsn(server))
        with handle(MysqlDatabase, tmp_path, mysql={"dsn": {"env": "DSN"}, "schema": "shop"}) as database:
            must_enter_few(database.rows, "handles/mysql.py")
