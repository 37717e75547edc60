"""Remove a scratch PostgreSQL however the process that uses it ends.

This runs as a separate process. It reads one line of JSON from standard input, creates a server (or a database on a
given server), writes one line of JSON with its address, and waits for the end of its input, which comes when the using
process is done or dies. Then it removes everything.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

PREFIX = "runbook-checks-drill-"
ALIVE = "alive"
BOOT_S, STOP_S = 30.0, 10.0
PORT, USER = 5432, "drill"
MAX_SOCKET = 107  # unix(7), without the NUL at its end
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)
INITDB = ("--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-locale", "--no-sync")
# Nothing needs to survive a crash; connections come through the folder's socket only.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "dynamic_shared_memory_type": "mmap",
    "logging_collector": "off",
    # A dump must not make the server connect to anything, or load or run a program.
    "unix_socket_permissions": "0700",
    "max_logical_replication_workers": "0",
    "archive_mode": "off",
    "archive_command": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "dynamic_library_path": "$libdir",
}


def keep() -> None:
    """Serve until standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # `nohup` and `&` start processes with SIGHUP or SIGINT ignored, so that these do not stop them.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit(1))
    request = json.loads(sys.stdin.readline())
    try:
        with made(request) as reached:
            print(json.dumps(reached), flush=True)
            sys.stdin.read()
    except Exception as error:  # the other process reports it
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


def made(request: dict[str, Any]) -> contextlib.AbstractContextManager[dict[str, Any]]:
    """A server or a database for as long as the block lasts, and its address."""
    return _database(request) if "dsn" in request else _server(request)


@contextlib.contextmanager
def _server(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with _folder(request["folder"], request["user"]) as folder, _sockets(folder, request["user"]) as sockets:
        data = folder / "data"
        _run([*request["initdb"], *INITDB, "-D", str(data)], request["user"])
        settings = SETTINGS | {"port": str(PORT), "unix_socket_directories": str(sockets)}
        words = [*request["postgres"], "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=request["user"],
                preexec_fn=_die_with_us,  # noqa: PLW1509  this process has one thread
            )
        try:
            _wait(process, sockets, folder / "log")
            yield {"host": str(sockets), "port": PORT, "user": USER, "dbname": "postgres"}
        finally:
            _stop(process)


@contextlib.contextmanager
def _folder(parent: str | None, user: int | None) -> Iterator[Path]:
    """Create a private folder; remove those of killed processes, whose locks are free."""
    place = Path(parent or tempfile.gettempdir())
    for left in place.glob(f"{PREFIX}*"):
        _remove_if_dead(left, user)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    half_made = folder / f"{ALIVE}.new"
    with half_made.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        half_made.rename(folder / ALIVE)  # it is never seen unlocked
        if user is not None:
            os.chown(folder, user, user)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _sockets(folder: Path, user: int | None) -> Iterator[Path]:
    """The folder, or a private one with a shorter name: a socket's path has MAX_SOCKET bytes."""
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= MAX_SOCKET:
        yield folder
    else:
        with _folder("/tmp", user) as shorter:  # noqa: S108  a folder of our own inside
            yield shorter


def _remove_if_dead(folder: Path, user: int | None) -> None:
    """Remove only our own: other users may put a folder, a link or a pipe of that name into a shared place."""
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        stack.callback(os.close, place)
        lock = os.open(ALIVE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
        stack.callback(os.close, lock)
        found = os.fstat(lock)
        is_ours = os.fstat(place).st_uid in (os.geteuid(), user) and found.st_uid == os.geteuid()
        if is_ours and stat.S_ISREG(found.st_mode):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _database(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Create a database of a random name, and drop it even with open sessions.

    With a `password`, a superuser creates a plain role of the same name, which owns the database.
    """
    name = request["name"]
    with psycopg.connect(request["dsn"], autocommit=True, connect_timeout=10) as connection:
        is_superuser = connection.info.parameter_status("is_superuser") == "on"
    has_role = is_superuser and "password" in request
    owner = {"user": name, "password": request["password"]} if has_role else {}

    def run(*statements: str) -> None:
        filled = {"name": sql.Identifier(name), "password": sql.Literal(request.get("password"))}
        with psycopg.connect(request["dsn"], autocommit=True, connect_timeout=10) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement).format(**filled))

    try:
        if has_role:
            run("CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD {password}")
        run("CREATE DATABASE {name} TEMPLATE template0" + (" OWNER {name}" if has_role else ""))
        yield {"dbname": name, **owner}
    finally:
        run("DROP DATABASE IF EXISTS {name} WITH (FORCE)", *(["DROP ROLE IF EXISTS {name}"] if has_role else []))


def _run(words: list[str], user: int | None) -> None:
    done = subprocess.run(words, user=user, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError((done.stderr or done.stdout).strip()[-300:])


def _die_with_us() -> None:
    """Shut down at once (SIGQUIT), even if this process is killed."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGQUIT)


def _wait(process: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    end = time.monotonic() + BOOT_S
    while True:
        try:
            psycopg.connect(host=str(sockets), port=PORT, user=USER, dbname="postgres", connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise OSError(log.read_text(errors="replace").strip()[-300:] or str(error)) from None
            time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
