"""Provide a scratch database for a restore, on a server of our own or a given one, and remove it afterwards."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runbook_checks.locations import CODE
from runbook_checks.probes.backups import supervisor
from runbook_checks.probes.core.child_environment import clean
from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.interpreter import python
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.postgres import binaries as pgbinaries
from runbook_checks.probes.postgres.authentication import for_programs
from runbook_checks.probes.postgres.dsn import parse

RESOURCE = "scratch"
KEEP = f"import sys; sys.path.insert(0, {str(CODE)!r}); from {supervisor.__name__} import keep; keep()"
NAME = "runbook_checks_drill_"
ROLE = "runbook_checks_restore"
END_S = 20.0
# libpq's keywords and their PG* variables; a password in an argument could be read by every user.
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
    """A database of our own, and its owner, which is no superuser: a dump may contain any statement.

    reached  the owner's connection parameters; with a given DSN, the role may be another
    admin    a superuser's connection parameters, if there is one; never used after the dump has been read
    """

    def __init__(
        self, programs: Path, reached: dict[str, Any], *, is_own: bool, admin: dict[str, Any] | None = None
    ) -> None:
        self.place, self.reached = programs, {key: str(value) for key, value in reached.items()}
        self.is_own = is_own
        """Whether the server is our own, with all its roles."""
        self.admin = {key: str(value) for key, value in admin.items()} if admin else None

    def psql(self, *options: str, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start psql, which reads standard input, stops at the first error and prints its SQLSTATE."""
        words = [str(self.place / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", *options]
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
        """Run statements as the owner and return the rows of the last one. Raises psycopg.Error."""
        return _run(self.reached, *statements)

    def run_as_admin(self, *statements: Any, database: str = "template1") -> list[tuple[Any, ...]]:
        """The same as the superuser, away from the dump's objects."""
        assert self.admin is not None
        return _run(self.admin | {"dbname": database}, *statements)

    def hand_over(self) -> None:
        """Give the database's owner the rights that a superuser's dump needs, without making it a superuser."""
        role = sql.Identifier(self.reached["user"])
        owned = [
            "ALTER SCHEMA public OWNER TO {}",
            "GRANT ALL ON SCHEMA public TO PUBLIC",  # the new owner of an object must be able to create some
            "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT ALL ON SCHEMAS TO PUBLIC",
            "DROP EXTENSION plpgsql",
        ]
        self.run_as_admin(*(sql.SQL(each).format(role) for each in owned), database=self.reached["dbname"])
        self.run("CREATE EXTENSION plpgsql")  # older dumps comment on it, which only its owner may


def _run(reached: dict[str, str], *statements: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(make_conninfo(**reached), autocommit=True, connect_timeout=10) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def own_server(binaries: Path | None, folder: Path | None) -> Iterator[Scratch]:
    """Start a server on this machine. NoReading kinds: no-programs, not-made."""
    place = pgbinaries.find(binaries, ("initdb", "postgres", "psql"), RESOURCE)
    programs = pgbinaries.for_servers(place, RESOURCE)
    request = {
        "folder": str(folder) if folder else None,
        "user": programs.user,
        "initdb": programs.words("initdb"),
        "postgres": programs.words("postgres"),
    }
    with _supervised(request) as reached:
        made = Scratch(place, reached | {"user": ROLE}, is_own=True, admin=reached)
        with _preparing():
            owned = f"ALTER DATABASE {reached['dbname']} OWNER TO {ROLE}"
            made.run_as_admin(f"CREATE ROLE {ROLE} LOGIN BYPASSRLS", owned)
            made.hand_over()
        yield made


@contextmanager
def database_on(dsn: str, binaries: Path | None) -> Iterator[Scratch]:
    """Create a database of a random name on a given server. A superuser also creates a plain role, dropped with it.

    NoReading kinds: no-programs, dsn-malformed, dsn-unsupported, tls-undecided, not-made.
    """
    place = pgbinaries.find(binaries, ("psql",), RESOURCE)
    known = for_programs(parse(dsn, RESOURCE, None), RESOURCE)
    name, password = NAME + secrets.token_hex(6), secrets.token_urlsafe(24)
    with _supervised({"dsn": make_conninfo(**known), "name": name, "password": password}) as reached:
        made = Scratch(place, known | reached, is_own=False, admin=known if "user" in reached else None)
        if made.admin:
            with _preparing():
                made.hand_over()
        yield made


@contextmanager
def _preparing() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise NoReading(RESOURCE, f"no scratch database: {one_line(str(error))}", kind="not-made") from None


@contextmanager
def _supervised(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(
        [*python(), "-c", KEEP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean(),
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018
    try:
        # Its input ends with this process or with the deadline, and it then removes everything.
        with within(float("inf")).on_expiry(process.stdin.close):
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            made = json.loads(process.stdout.readline() or '{"error": "it ended without a message"}')
            if "error" in made:
                raise NoReading(RESOURCE, f"no scratch database: {one_line(made['error'])}", kind="not-made")
            yield made
    finally:
        with suppress(OSError, ValueError):
            process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        process.stdout.close()
