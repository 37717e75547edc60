"""Run a real MariaDB in a new data directory, with a superuser connection for the lab."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook_checks_lab import processes
from runbook_checks_lab.servers.mariadb_settings import SETTINGS
from runbook_checks_lab.servers.mariadb_template import Programs, data_directory, programs
from runbook_checks_lab.servers.ports import quiet_port

if TYPE_CHECKING:
    import pymysql

BOOT_S = 20.0
ADMIN = "root"

LOGGED = (
    "SELECT event_time AS at, user_host AS user, CONVERT(argument USING utf8mb4) AS what FROM mysql.general_log"
    " WHERE command_type = 'Query' AND user_host NOT LIKE %s"
)


class MariaDb:
    """One server: template, process, and a superuser's socket that only the lab can reach."""

    def __init__(self, folder: Path, databases: Sequence[tuple[str, str]]) -> None:
        self.folder = folder
        self.databases = databases
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._programs: Programs | None = None
        self._tls: list[str] = []

    async def start(self, certificate: Path | None = None) -> None:
        """Start the server; with a certificate (key and chain in one file) it supports TLS."""
        self.folder.chmod(0o700)  # a client that reaches its socket is the superuser
        self._programs = await asyncio.to_thread(self._prepare)
        self.port = quiet_port()
        self._tls = [f"--ssl-cert={certificate}", f"--ssl-key={certificate}"] if certificate else []
        await self.run_server()

    async def run_server(self) -> None:
        """Run the server on its port and existing data directory: at first, and again after it has ended."""
        assert self._programs
        self._process = processes.spawn(
            self._programs.command(self.data, *self._arguments(), *self._tls),
            env=self._programs.environment,
            cwd=self.folder,
            output=(self.folder / "output.log").open("wb"),
        )
        await asyncio.to_thread(self._wait)

    async def stop(self) -> None:
        await self.end_server(signal.SIGKILL)

    async def end_server(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process:
            await asyncio.to_thread(processes.end, self._process, how)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def session(self, user: str = ADMIN, database: str | None = None, password: str = "") -> pymysql.Connection[Any]:
        """Connect: the superuser through the socket, other users through the port."""
        import pymysql
        import pymysql.cursors

        where: dict[str, Any] = {"unix_socket": str(self.folder / "s")}
        if user != ADMIN:
            where = {"host": "127.0.0.1", "port": self.port}
        return pymysql.connect(
            **where,
            user=user,
            password=password,
            database=database,
            autocommit=True,
            connect_timeout=5,
            cursorclass=pymysql.cursors.DictCursor,
        )

    def run(self, *statements: str, database: str | None = None) -> None:
        with contextlib.closing(self.session(database=database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(
        self, query: str, values: Sequence[Any] | None = None, database: str | None = None
    ) -> list[dict[str, Any]]:
        with contextlib.closing(self.session(database=database)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def value(self, query: str) -> Any:
        return next(iter(self.rows(query)[0].values()))

    def insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows that have the same columns; `table` includes its database."""
        columns = list(rows[0])
        places = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608  the lab's own names
        with contextlib.closing(self.session()) as connection, connection.cursor() as cursor:
            cursor.executemany(sql, [tuple(row[column] for column in columns) for row in rows])

    def move_tables(self, old: str, new: str) -> None:
        """Move all tables of a database into a new one, and drop the old one. Grants stay with the names."""
        tables = self.rows("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s", (old,))
        moves = ", ".join(f"{old}.{row['name']} TO {new}.{row['name']}" for row in tables)
        self.run(f"CREATE DATABASE {new}", f"RENAME TABLE {moves}", f"DROP DATABASE {old}")

    def statements(self) -> list[dict[str, Any]]:
        """Return the statements of users other than the superuser, from the general log."""
        return [
            {"at": str(row["at"]), "user": row["user"].split("[")[0], "statement": row["what"]}
            for row in self.rows(LOGGED, (f"{ADMIN}[%",))
        ]

    def clear_log(self) -> None:
        self.run("TRUNCATE mysql.general_log")

    def _prepare(self) -> Programs:
        found = programs()
        data_directory(found, self.data, self.databases)
        return found

    def _arguments(self) -> list[str]:
        settings = SETTINGS | {
            "port": str(self.port),
            "socket": str(self.folder / "s"),
            "pid-file": str(self.folder / "pid"),
            "tmpdir": str(self.folder),
        }
        return [f"--{name}={value}" for name, value in settings.items()]

    def _wait(self) -> None:
        assert self._process
        import pymysql

        deadline = time.monotonic() + BOOT_S
        while True:
            try:
                return self.run("SELECT 1")
            except pymysql.MySQLError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    output = (self.folder / "output.log").read_text(errors="replace")[-500:]
                    raise OSError(f"MariaDB did not start: {output.strip() or error}") from error
                time.sleep(0.01)
