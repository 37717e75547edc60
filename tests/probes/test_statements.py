"""Statements with their literals removed."""

from __future__ import annotations

import pytest

from runbook_checks.probes.sql.masking import Engine, without_literals


@pytest.mark.parametrize(
    ("engine", "statement", "shown"),
    [
        ("postgresql", "SELECT * FROM t WHERE a = 'secret' AND b = 12.5e3", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("postgresql", "SELECT 'it''s', 'a\\', 'secret'", "SELECT ?, ?, ?"),
        ("postgresql", "SELECT E'it\\'s secret', U&'\\0041'", "SELECT ?, ?"),
        ("postgresql", "SELECT $$secret 'x'$$, $tag$ $$secret$$ $tag$, $1", "SELECT ?, ?, $1"),
        ("postgresql", 'SELECT "Column 7", t1.c2 FROM "t""2"', 'SELECT "Column 7", t1.c2 FROM "t""2"'),
        ("postgresql", "SELECT 1 -- secret\n, 0xff /* secret 'x */, 1_000", "SELECT ? , ? , ?"),
        ("postgresql", "UPDATE t SET a = 'cut off in the sec", "UPDATE t SET a = ?"),
        ("postgresql", "ALTER ROLE x PASSWORD 'geheim'", "ALTER ROLE x PASSWORD ?"),
        (
            "mysql",
            "SELECT * FROM `a 1` WHERE x = \"se'cret\" AND y = 'it\\'s'",
            "SELECT * FROM `a 1` WHERE x = ? AND y = ?",
        ),
        ("mysql", "SELECT 1 # secret\n, _utf8mb4'secret'", "SELECT ? , ?"),
        ("mysql", "SELECT a--1 FROM t", "SELECT a--? FROM t"),
    ],
)
def test_literals_are_removed_and_names_kept(engine: Engine, statement: str, shown: str) -> None:
    assert without_literals(statement, engine) == shown


def test_statement_is_one_line_of_limited_length() -> None:
    shown = without_literals("SELECT\n" + "a,\n" * 1000)
    assert "\n" not in shown
    assert len(shown) == 300
