"""A scratch PostgreSQL starts, a failure is reported with its reason, and nothing of it remains.

The supervisor is a separate process, forked from the tests', or its functions run in the tests' process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runbook_checks.probes.backups import supervisor
from runbook_checks.probes.backups.scratch_server import database_on
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres import binaries as pgbinaries
from tests.harness import heed_signals
from tests.probes import pg
from tests.probes.conftest import taking

Keep = Callable[[dict[str, Any]], AbstractContextManager[dict[str, Any]]]


class Kept:
    """A supervisor with its request and its output."""

    def __init__(self, asked: dict[str, Any]) -> None:
        (theirs, self._ours), (self._hear, say) = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _keep(theirs, say, self._ours, self._hear)
        os.close(theirs)
        os.close(say)
        os.write(self._ours, json.dumps(asked).encode() + b"\n")
        with os.fdopen(os.dup(self._hear)) as words:
            self.said: dict[str, Any] = json.loads(words.readline() or "{}")

    def end(self, number: int | None = None) -> None:
        """By the end of its input, or by a signal."""
        if number is not None:
            os.kill(self.pid, number)
            os.waitpid(self.pid, 0)
        os.close(self._ours)
        if number is None:
            os.waitpid(self.pid, 0)
        os.close(self._hear)


def _keep(stdin: int, stdout: int, *others: int) -> None:
    try:
        os.setsid()
        heed_signals()
        for descriptor in others:
            os.close(descriptor)
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        sys.stdin, sys.stdout = os.fdopen(0, "r"), os.fdopen(1, "w")
        supervisor.keep()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(0)


@contextmanager
def kept(asked: dict[str, Any], number: int | None = None) -> Iterator[dict[str, Any]]:
    one = Kept(asked)
    try:
        yield one.said
    finally:
        one.end(number)


@contextmanager
def made_here(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        try:
            said = stack.enter_context(supervisor.made(asked))
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        yield said


WAYS = {"apart": kept, "here": made_here}


@pytest.fixture(scope="module")
def programs() -> dict[str, Any]:
    try:
        found = pgbinaries.for_servers(pgbinaries.find(None, ("initdb", "postgres"), "scratch"), "scratch")
    except NoReading as missing:
        pytest.skip(str(missing))
    return {"user": found.user, "initdb": found.words("initdb"), "postgres": found.words("postgres")}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user can write to, with a name short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def drills(folder: Path) -> list[Path]:
    return [*folder.glob(f"{supervisor.PREFIX}*")]


def is_up(reached: dict[str, Any]) -> bool:
    try:
        with psycopg.connect(**reached, connect_timeout=5) as connection:
            return connection.execute("SELECT 1").fetchall() == [(1,)]
    except psycopg.OperationalError:
        return False


@pytest.mark.parametrize(
    "keep", [*WAYS.values(), partial(kept, number=signal.SIGTERM)], ids=[*WAYS, "apart, ended by a signal"]
)
def test_server_runs_as_long_as_its_supervisor(place: Path, programs: dict[str, Any], keep: Keep) -> None:
    dead = place / f"{supervisor.PREFIX}dead"
    dead.mkdir()
    (dead / supervisor.ALIVE).touch()
    with keep({"folder": str(place), **programs}) as reached:
        assert is_up(reached)
        [folder] = drills(place)
        assert str(folder) == reached["host"]
        with keep({"folder": str(place), **programs}) as other:
            assert is_up(other)
            assert len(drills(place)) == 2
        assert is_up(reached)
    assert drills(place) == []
    assert not is_up(reached)


def test_server_of_a_killed_supervisor_ends_and_the_next_removes_its_folder(
    place: Path, programs: dict[str, Any]
) -> None:
    with kept({"folder": str(place), **programs}, signal.SIGKILL) as reached:
        assert is_up(reached)
    end = time.monotonic() + 10
    while is_up(reached) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_up(reached)
    assert len(drills(place)) == 1
    with kept({"folder": str(place), **programs}) as other:
        assert drills(place) == [Path(other["host"])]


@pytest.mark.parametrize("keep", WAYS.values(), ids=WAYS)
def test_failure_to_start_is_reported_at_once(place: Path, programs: dict[str, Any], keep: Keep) -> None:
    ends = ["sh", "-c", "echo no shared memory; exit 3"]
    with taking(8), keep({"folder": str(place), **programs, "postgres": ends}) as said:
        assert said == {"error": "OSError: no shared memory"}
    with keep({"folder": str(place), **programs, "initdb": ["sh", "-c", "echo disk full >&2; exit 1"]}) as said:
        assert said == {"error": "OSError: disk full"}
    with keep({"folder": str(place / "none"), **programs}) as said:
        assert said["error"].startswith("FileNotFoundError")
    assert drills(place) == []


def test_database_on_a_configured_server_is_dropped_with_its_sessions() -> None:
    with pg.started() as server:
        for keep in WAYS.values():
            with keep({"dsn": server.dsn(), "name": "drill_1"}) as said:
                assert said == {"dbname": "drill_1"}
                within = psycopg.connect(server.dsn(database="drill_1"), connect_timeout=5)
            with psycopg.connect(server.dsn(), connect_timeout=5) as connection:
                assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'drill_1'").fetchall() == []
            within.close()
            with keep({"dsn": server.dsn(password="wrong"), "name": "drill_1"}) as said:
                assert "password authentication failed" in said["error"]
        with database_on(server.dsn(), server.binaries) as scratch:
            assert scratch.run("SELECT current_database()")[0][0].startswith("runbook_checks_drill_")
        with pytest.raises(NoReading) as caught, database_on(server.dsn(password="wrong"), server.binaries):
            pass
        assert caught.value.kind == "not-made"


def test_socket_path_may_be_shorter_than_the_folder(place: Path, programs: dict[str, Any]) -> None:
    deep = place / ("deep" * 20)
    deep.mkdir()
    deep.chmod(0o777)
    with made_here({"folder": str(deep), **programs}) as reached:
        assert is_up(reached)
        assert len(drills(deep)) == 1
        assert Path(reached["host"]).parent == Path("/tmp")
    assert drills(deep) == []
    assert not Path(reached["host"]).exists()


def test_objects_of_other_users_neither_hang_nor_are_removed(
    place: Path, tmp_path: Path, programs: dict[str, Any]
) -> None:
    """A pipe, a link or a folder with a supervisor's name, which any user may create in a shared folder."""
    piped, linked, empty = (place / f"{supervisor.PREFIX}{name}" for name in ("pipe", "link", "empty"))
    piped.mkdir()
    os.mkfifo(piped / supervisor.ALIVE)
    (tmp_path / supervisor.ALIVE).touch()
    linked.symlink_to(tmp_path)
    empty.mkdir()
    (empty / supervisor.ALIVE).symlink_to(tmp_path / supervisor.ALIVE)
    theirs = place / f"{supervisor.PREFIX}theirs"
    if os.geteuid() == 0:
        theirs.mkdir()
        (theirs / supervisor.ALIVE).touch()
        os.chown(theirs, 12345, 12345)
    with taking(15), made_here({"folder": str(place), **programs}) as reached:
        assert is_up(reached)
    left = {path.name.removeprefix(supervisor.PREFIX) for path in drills(place)}
    assert left == {"pipe", "link", "empty", *(["theirs"] if os.geteuid() == 0 else [])}
    assert (tmp_path / supervisor.ALIVE).exists()
