"""Where can a dump be restored without touching anything? Into a PostgreSQL of its own, gone when the block ends."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from probes import pgbinaries
from probes.deadline import within
from probes.dsn import parse
from probes.interpreter import python
from probes.pgauth import for_programs
from probes.reading import NoReading, one_line

RESOURCE = "scratch"
ROOT = Path(__file__).resolve().parent.parent
KEEP = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from probes.keeper import keep; keep()"
NAME = "runbook_checks_drill_"
END_S = 20.0
# libpq's words for what PG* variables say; a password in an argument could be read by everybody.
VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "passfile": "PGPASSFILE",
    "require_auth": "PGREQUIREAUTH",
}


class Scratch:
    """A database nobody else uses."""

    def __init__(self, programs: Path, reached: dict[str, Any], *, is_own: bool) -> None:
        self.place, self.reached = programs, {key: str(value) for key, value in reached.items()}
        self.is_own = is_own
        """On a server of its own, where roles are nobody else's either."""

    def psql(self, *options: str, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        """psql, reading statements from its standard input; it stops at the first error."""
        words = [str(self.place / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *options]
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=self._environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C is for us
        )

    def _environment(self) -> dict[str, str]:
        known = {VARIABLES[key]: value for key, value in self.reached.items() if key in VARIABLES}
        return {"PATH": os.defpath, "LC_ALL": "C", "PGAPPNAME": "runbook-checks", "PGCONNECT_TIMEOUT": "10", **known}

    def run(self, *statements: Any) -> list[tuple[Any, ...]]:
        """The rows of the last statement. Raises psycopg.Error."""
        import psycopg
        from psycopg.conninfo import make_conninfo

        with psycopg.connect(make_conninfo(**self.reached), autocommit=True, connect_timeout=10) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def own_server(binaries: Path | None, folder: Path | None) -> Iterator[Scratch]:
    """A server made on this machine. NoReading kinds: no-programs, not-made."""
    place = pgbinaries.find(binaries, ("initdb", "postgres", "psql"), RESOURCE)
    programs = pgbinaries.for_servers(place, RESOURCE)
    asked = {
        "folder": str(folder) if folder else None,
        "user": programs.user,
        "initdb": programs.words("initdb"),
        "postgres": programs.words("postgres"),
    }
    with _kept(asked) as reached:
        yield Scratch(place, reached, is_own=True)


@contextmanager
def database_on(dsn: str, binaries: Path | None) -> Iterator[Scratch]:
    """A database of a random name on a server that is named.

    NoReading kinds: no-programs, dsn-malformed, dsn-unsupported, tls-undecided, not-made.
    """
    from psycopg.conninfo import make_conninfo

    place = pgbinaries.find(binaries, ("psql",), RESOURCE)
    known = for_programs(parse(dsn, RESOURCE, None), RESOURCE)
    with _kept({"dsn": make_conninfo(**known), "name": NAME + secrets.token_hex(6)}) as reached:
        yield Scratch(place, known | reached, is_own=False)


@contextmanager
def _kept(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    keeper = subprocess.Popen(
        [*python(), "-P", "-c", KEEP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert keeper.stdin is not None and keeper.stdout is not None  # noqa: PT018
    try:
        # Its input ends with us or with the deadline, and what it made goes with it.
        with within(float("inf")).on_expiry(keeper.stdin.close):
            keeper.stdin.write(json.dumps(asked) + "\n")
            keeper.stdin.flush()
            said = json.loads(keeper.stdout.readline() or '{"error": "it ended without a word"}')
            if "error" in said:
                raise NoReading(RESOURCE, f"no scratch database: {one_line(said['error'])}", kind="not-made")
            yield said
    finally:
        with suppress(OSError, ValueError):
            keeper.stdin.close()
        try:
            keeper.wait(END_S)
        except subprocess.TimeoutExpired:
            keeper.terminate()
            keeper.wait()
        keeper.stdout.close()
