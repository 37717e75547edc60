"""The history between runs: one SQLite file for each environment, written by the holder of the lock."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Requires SQLite 3.24 or newer.
# Each step migrates the schema to the next version; a published step never changes.
STEPS = (
    """
    CREATE TABLE run (at REAL PRIMARY KEY, id TEXT NOT NULL, duration_s REAL NOT NULL, exit_code INTEGER NOT NULL,
        clear INTEGER NOT NULL, found INTEGER NOT NULL, unknown INTEGER NOT NULL, skipped INTEGER NOT NULL);
    CREATE TABLE day (system TEXT, symptom TEXT, date TEXT, severity TEXT NOT NULL, clear INTEGER NOT NULL,
        found INTEGER NOT NULL, unknown INTEGER NOT NULL, PRIMARY KEY (system, symptom, date)) WITHOUT ROWID;
    CREATE TABLE uptime (system TEXT, date TEXT, up INTEGER NOT NULL, down INTEGER NOT NULL, unseen INTEGER NOT NULL,
        PRIMARY KEY (system, date)) WITHOUT ROWID;
    CREATE TABLE state (system TEXT, symptom TEXT, subject TEXT, recent TEXT NOT NULL, clears INTEGER NOT NULL,
        since REAL NOT NULL, looked_at REAL NOT NULL, severity TEXT NOT NULL, told TEXT NOT NULL,
        PRIMARY KEY (system, symptom, subject)) WITHOUT ROWID;
    CREATE TABLE incident (id INTEGER PRIMARY KEY, system TEXT NOT NULL, symptom TEXT NOT NULL, subject TEXT NOT NULL,
        severity TEXT NOT NULL, began REAL NOT NULL, opened REAL NOT NULL, ended REAL, how TEXT,
        acknowledged TEXT NOT NULL DEFAULT '', alerted REAL, last_told REAL, rung INTEGER NOT NULL DEFAULT 0,
        told TEXT NOT NULL);
    CREATE INDEX incident_ended ON incident (ended);
    CREATE TABLE message (id INTEGER PRIMARY KEY, incident INTEGER, kind TEXT NOT NULL, severity TEXT NOT NULL,
        at REAL NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE delivery (message INTEGER, channel TEXT, attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL,
        delivered_at REAL, error TEXT NOT NULL DEFAULT '', PRIMARY KEY (message, channel)) WITHOUT ROWID;
    CREATE INDEX delivery_due ON delivery (channel, message) WHERE delivered_at IS NULL;
    CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    # The time since which an incident is clear; it ends only after several clear runs.
    "ALTER TABLE incident ADD COLUMN cleared REAL",
    # The incidents of a message: several where one symptom is found on many subjects at once.
    """
    CREATE TABLE about (message INTEGER, incident INTEGER, PRIMARY KEY (message, incident)) WITHOUT ROWID;
    CREATE INDEX about_incident ON about (incident);
    INSERT INTO about SELECT id, incident FROM message WHERE incident IS NOT NULL;
    """,
    # Deliveries that a channel refuses permanently are set aside. Numbers of messages and incidents are never reused.
    """
    ALTER TABLE delivery ADD COLUMN first_try REAL;
    ALTER TABLE delivery ADD COLUMN finals INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN wait_until REAL NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN set_aside_at REAL;
    CREATE TABLE refusing (channel TEXT PRIMARY KEY, since REAL NOT NULL, error TEXT NOT NULL,
        notice INTEGER NOT NULL) WITHOUT ROWID;
    CREATE VIEW waiting AS SELECT * FROM delivery WHERE delivered_at IS NULL AND set_aside_at IS NULL;
    CREATE TABLE message_4 (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, severity TEXT NOT NULL,
        at REAL NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL);
    INSERT INTO message_4 SELECT id, kind, severity, at, title, body FROM message;
    DROP TABLE message;
    ALTER TABLE message_4 RENAME TO message;
    CREATE TABLE incident_4 (id INTEGER PRIMARY KEY AUTOINCREMENT, system TEXT NOT NULL, symptom TEXT NOT NULL,
        subject TEXT NOT NULL, severity TEXT NOT NULL, began REAL NOT NULL, opened REAL NOT NULL, ended REAL, how TEXT,
        acknowledged TEXT NOT NULL DEFAULT '', alerted REAL, last_told REAL, rung INTEGER NOT NULL DEFAULT 0,
        told TEXT NOT NULL, cleared REAL);
    INSERT INTO incident_4 SELECT id, system, symptom, subject, severity, began, opened, ended, how, acknowledged,
        alerted, last_told, rung, told, cleared FROM incident;
    DROP TABLE incident;
    ALTER TABLE incident_4 RENAME TO incident;
    CREATE INDEX incident_ended ON incident (ended);
    """,
)
Row = sqlite3.Row


class TooNew(Exception):
    """The file was written by a newer version; the sentence says what to do."""


class Store:
    """The open file, or a copy of it in memory, which needs no disk and is discarded at the end."""

    def __init__(self, path: Path, *, in_memory: bool = False) -> None:
        self.path = path
        if not in_memory:
            must_be_file(path)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        where = ":memory:" if in_memory else path
        self.database = sqlite3.connect(where, isolation_level=None, timeout=10)
        self.database.row_factory = sqlite3.Row
        try:
            if in_memory:
                self.database.execute("PRAGMA temp_store = MEMORY")
                _copy(path, self.database)
            else:
                # WAL: readers do not block the writer, and a kill leaves a consistent file.
                self.database.execute("PRAGMA journal_mode = WAL")
                self.database.execute("PRAGMA synchronous = NORMAL")
            self._bring_up_to_date()
        except BaseException:
            self.database.close()
            raise

    def _bring_up_to_date(self) -> None:
        (version,) = self.database.execute("PRAGMA user_version").fetchone()
        if version > len(STEPS):
            raise TooNew(
                f"{self.path} has schema {version}, and this version supports {len(STEPS)}: update runbook-checks"
            )
        for number in range(version, len(STEPS)):
            self.database.executescript(f"BEGIN; {STEPS[number]}; PRAGMA user_version = {number + 1}; COMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements, or none after an error."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def rows(self, statement: str, *values: Any) -> list[Row]:
        return self.database.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> Row | None:
        found: Row | None = self.database.execute(statement, values).fetchone()
        return found

    def run(self, statement: str, *values: Any) -> int:
        """Execute a statement; the id of the inserted row."""
        return self.database.execute(statement, values).lastrowid or 0

    def note(self, name: str) -> str:
        row = self.row("SELECT value FROM note WHERE name = ?", name)
        return str(row["value"]) if row else ""

    def keep(self, name: str, value: object) -> None:
        self.run(
            "INSERT INTO note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, str(value)
        )

    def forget(self, before: float, day: str) -> None:
        """Delete what is older; open incidents and undelivered messages stay."""
        self.run("DELETE FROM run WHERE at < ?", before)
        self.run("DELETE FROM day WHERE date < ?", day)
        self.run("DELETE FROM uptime WHERE date < ?", day)
        self.run("DELETE FROM incident WHERE ended < ?", before)
        old = "SELECT id FROM message WHERE at < ? AND id NOT IN (SELECT message FROM waiting)"
        self.run(f"DELETE FROM delivery WHERE message IN ({old})", before)  # noqa: S608 - a constant
        self.run(f"DELETE FROM about WHERE message IN ({old})", before)  # noqa: S608 - a constant
        self.run(f"DELETE FROM message WHERE id IN ({old})", before)  # noqa: S608 - a constant

    def close(self) -> None:
        self.database.close()


def must_be_file(path: Path) -> None:
    """OSError where a pipe or a device is in the file's place: SQLite would wait for its writer without a timeout."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a regular file")


@contextmanager
def _reading(path: Path, *, whole: bool = True) -> Iterator[sqlite3.Connection]:
    """Open the file read-only. What a kill left in the WAL is read only with a -shm file beside it."""
    must_be_file(path)
    wal = path.with_name(f"{path.name}-wal")
    has_rest = whole and wal.exists() and wal.stat().st_size > 0
    how = "mode=ro" if has_rest else "mode=ro&immutable=1"
    source = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=10)
    try:
        yield source
    finally:
        source.close()


def _copy(path: Path, into: sqlite3.Connection) -> None:
    """Copy the file's content, without the WAL of a killed round where that cannot be read."""
    for whole in (True, False):
        with suppress(sqlite3.OperationalError), _reading(path, whole=whole) as source:
            source.backup(into)
            return


def peek(path: Path, name: str) -> str:
    """One note of a file, opened read-only; empty if it has none or cannot be read."""
    with suppress(sqlite3.Error, OSError), _reading(path) as source:
        row = source.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""
    return ""


def copied(path: Path) -> Store:
    """A copy of the history in memory; an empty one if the file cannot be read."""
    try:
        return Store(path, in_memory=True)
    except (sqlite3.Error, OSError, TooNew):
        return Store(path.with_name("absent"), in_memory=True)


def opened(path: Path) -> tuple[Store, str]:
    """The store; an unreadable file is renamed and replaced by a new one, and a sentence says so."""
    try:
        return Store(path), ""
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        return replaced(path, error)


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether the file itself is corrupt, as opposed to a full disk or a read-only folder."""
    return type(error) is sqlite3.DatabaseError


def replaced(path: Path, error: Exception) -> tuple[Store, str]:
    """Replace an unreadable file by a new one; the old one is renamed and kept."""
    kept = path.with_name(f"{path.stem}.unreadable-{time.time():.0f}{path.suffix}")
    path.rename(kept)
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    return Store(path), f"the history is unreadable ({error}) and starts empty; the old file is kept as {kept.name}"
