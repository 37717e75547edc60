"""Paths that are not regular files, never end, or contain terminal escapes: no check waits for them, or prints them."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.harness import SYSTEM
from tests.hostile.product import DEADLINE_S, Settings, check, describe, must_be_orderly, outcomes
from tests.hostile.services import saying
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "RUNBOOK_CHECKS_HOSTILE_MARK"
EVIL = "\x1b[2J\x1b]0;owned\x07\u202edellik\x9b31m"
DOTENV = "AI_CS_RUNTIME_ENV=production\nAI_CS_POSTGRES_ENABLED=true\nAI_CS_LOG_LEVEL=info\nAI_CS_ADDR=127.0.0.1:1\n"


def on_files(**more: Any) -> Settings:
    return {"deadline_s": DEADLINE_S, **more}


def stamp(age_s: float = 60) -> str:
    return (datetime.now(UTC) - timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def odd_files(folder: Path) -> dict[str, Path]:
    """Objects that may exist in place of a file."""
    pipe, loop, sock = folder / "pipe", folder / "loop", folder / "denied"
    os.mkfifo(pipe)
    loop.symlink_to(folder / "loop-back")
    (folder / "loop-back").symlink_to(loop)
    sock.symlink_to("/proc/1/root/not/readable")
    return {
        "pipe": pipe,
        "zero": type(folder)("/dev/zero"),
        "terminal": type(folder)("/dev/tty"),
        "folder": folder,
        "loop": loop,
        "gone": folder / "gone",
        "below-a-file": type(folder)("/etc/passwd/below"),
        "long": folder / ("n" * 5000),
    }


def test_no_check_waits_for_a_path_that_is_not_a_file(tmp_path: Path) -> None:
    """Each kind of odd file in each setting that names a file, all in one run."""
    files = odd_files(tmp_path)
    with FakeServer(saying({"status": "UP"})) as server:
        systems: dict[str, Settings] = {}
        for name, file in files.items():
            path = str(file)
            systems[name] = on_files(
                logs={"file": path},
                variables={"file": path},
                backups={"folder": path, "pattern": "ai_cs_*"},
                rollback={"artefact": path, "configuration": path, "script": path},
                openapi={"document": path},
                http={"base_url": server.url},
                webhook={"secret": {"file": path}},
                host={"here": True},
            )
        ran = check(tmp_path / "run", systems, "-m", "not domain")
    must_be_orderly(ran)
    for name in files:
        got = outcomes(ran.of(name))
        shown = f"{name}\n{describe(ran.of(name))}"
        assert got["logs.errors"] == "unknown", shown
        assert {got[s] for s in got if s.startswith("preflight.")} == {"unknown"}, shown
        assert got["contract.violated"] != "clear", shown
        assert got["rollback.not-possible"] != "clear", shown
        assert {got[s] for s in got if s.startswith("webhook.")} == {"unknown"}, shown
        assert got["backup.stale"] == ("found:none" if name == "folder" else "unknown"), shown
    slowest = max(ran.document["results"], key=lambda result: result["duration_s"])
    assert slowest["duration_s"] < DEADLINE_S, slowest


def test_no_check_waits_for_certificates_that_are_not_files(tmp_path: Path) -> None:
    files = odd_files(tmp_path)
    places: dict[str, dict[str, Any]] = {
        "ca": {"ca_file": str(files["pipe"])},
        "ca-zero": {"ca_file": "/dev/zero"},
        "bundle": {"tls": {"intermediates_file": str(files["pipe"])}},
        "client": {"client_certificate": {"certificate": str(files["pipe"]), "key": str(files["pipe"])}},
    }
    with FakeServer(saying({"status": "UP"})) as server:
        base = {"http": {"base_url": f"https://127.0.0.1:{server.port}", "timeout_s": 2}, "tls": {}, "deadline_s": 3}
        ran = check(tmp_path / "run", {name: base | more for name, more in places.items()}, "-m", "health or domain")
    must_be_orderly(ran, deadline_s=3)
    for name in places:
        assert "clear" not in outcomes(ran.of(name)).values(), f"{name}\n{describe(ran.of(name))}"


def logs(file: Path, **more: Any) -> Settings:
    return on_files(logs={"file": str(file), "limit": 0} | more)


def test_logs_of_any_content(tmp_path: Path) -> None:
    contents: dict[str, tuple[bytes, str]] = {
        "one-long-line": (f"{stamp()} ERROR ".encode() + b"x" * (50 << 20), "unknown"),
        "a-long-line-before": (b"x" * (50 << 20) + f"\n{stamp()} ERROR lost the order\n".encode(), "found:new-error"),
        "long-json": (b'{"time":"' + stamp().encode() + b'","level":"error","msg":"' + b"x" * (20 << 20), "unknown"),
        "deep-json": (f"{stamp()} INFO fine\n".encode() + b'{"a":' * 100_000 + b"\n", "clear"),
        "in-colour": (f"{stamp()} ERROR lost {EVIL} the order\n".encode(), "found:new-error"),
        "bytes": (f"{stamp()} ERROR ".encode() + b"\xff\xfe\xfd\x00\x80 lost\n", "found:new-error"),
        "utf-16": (f"{stamp()} ERROR lost\n".encode("utf-16"), "unknown"),
        "nul": (bytes(20 << 20) + f"{stamp()} ERROR lost\n".encode(), "found:new-error"),
        "no-lines": (b"\n" * (10 << 20), "unknown"),
        "returns": (f"{stamp()} ERROR lost\r{stamp()} ERROR lost\r\n".encode(), "found:new-error"),
        "quotes": (f"{stamp()} ERROR {chr(34) * 15_000}\n".encode() * 200, "found:new-error"),
        "absurd-times": (b"9999-99-99T99:99:99Z ERROR a\n0000-00-00 00:00:00 ERROR b\n", "unknown"),
        "times-to-come": (b"2999-01-01T00:00:00Z ERROR a\n", "unknown"),
        "each-another": (
            b"".join(f"{stamp()} ERROR order {'abcdefghij'[n % 10]}{chr(97 + n // 1000)}{'xyz' * (n % 97)}\n".encode()
                     for n in range(20_000)),
            "found:new-error",
        ),
    }  # fmt: skip
    systems = {}
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
        systems[name] = logs(tmp_path / name)
    ran = check(tmp_path / "run", systems)
    must_be_orderly(ran)
    for name, (_, wanted) in contents.items():
        assert outcomes(ran.of(name)) == {"logs.errors": wanted}, f"{name}\n{describe(ran.of(name))}"


def test_packed_logs_of_any_content(tmp_path: Path) -> None:
    """A rotated log that is a bomb, broken, or a pipe: an unreadable log does not count as quiet."""
    import gzip

    from tests.misbehaving.http import bomb

    names = ("bomb", "cut", "no-gzip", "pipe", "folder")
    systems = {}
    for name in names:
        (tmp_path / name).write_text(f"{stamp()} INFO started\n")
        systems[name] = logs(tmp_path / name)
    (tmp_path / "bomb.1.gz").write_bytes(bomb())
    (tmp_path / "cut.1.gz").write_bytes(gzip.compress(f"{stamp(900)} ERROR lost\n".encode() * 100)[:-20])
    (tmp_path / "no-gzip.1.gz").write_bytes(b"plain")
    os.mkfifo(tmp_path / "pipe.1")
    (tmp_path / "folder.1").mkdir()
    ran = check(tmp_path / "run", systems)
    must_be_orderly(ran)


@contextmanager
def growing(file: Path) -> Iterator[None]:
    """A log that is written as fast as possible, and rotated occasionally."""
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            with file.open("ab") as stream:
                for _ in range(200):
                    stream.write(f"{stamp(0)} INFO {'x' * 1000}\n".encode() * 20)
                    stream.flush()
                    if is_over.wait(0.001):
                        return
            file.replace(file.with_name(f"{file.name}.1"))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_log_that_grows_while_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    file.write_text(f"{stamp()} INFO started\n")
    with growing(file):
        ran = check(tmp_path / "run", {SYSTEM: logs(file)})
    must_be_orderly(ran)
    assert ran.of(SYSTEM)["logs.errors"]["outcome"] in ("clear", "unknown"), describe(ran.of(SYSTEM))


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def backup(folder: Path | str, **more: Any) -> Settings:
    return on_files(backups={"folder": str(folder), "pattern": "ai_cs_backup_*.sql"} | more)


def test_backup_folders_of_any_content(tmp_path: Path) -> None:
    now = time.time()

    def made(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    def put(file: Path | bytes, age_h: float = 1, content: str = "--\n") -> None:
        with open(file, "w") as stream:
            stream.write(content)
        os.utime(file, (now - age_h * 3600, now - age_h * 3600))

    many = made("many")
    for number in range(20_000):
        (many / f"ai_cs_backup_{number}.sql").touch()
    put(many / "ai_cs_backup_newest.sql")
    put(made("in-colour") / f"ai_cs_backup_{EVIL}.sql", age_h=100)
    put(made("in-lines") / "ai_cs_backup_\nP0 all is well\r\n.sql", age_h=100)
    put(os.fsencode(made("in-bytes")) + b"/ai_cs_backup_\xff\xfe\x80.sql", age_h=100)
    put(made("commands") / "ai_cs_backup_$(reboot)`reboot`;reboot 'x'.sql", age_h=100)
    loop = made("loops")
    (loop / "ai_cs_backup_loop.sql").symlink_to(loop / "ai_cs_backup_loop.sql")
    (loop / "ai_cs_backup_up.sql").symlink_to(loop, target_is_directory=True)
    (loop / "ai_cs_backup_gone.sql").symlink_to(loop / "gone")
    os.mkfifo(loop / "ai_cs_backup_pipe.sql")
    put(loop / "ai_cs_backup_1.sql")
    put(made("to-come") / "ai_cs_backup_1.sql", age_h=-24 * 365)
    put(made("before-time") / "ai_cs_backup_1.sql", age_h=(now + 1e9) / 3600)
    put(made("blank") / "ai_cs_backup_1.sql", content="")
    put(tmp_path / "blank" / "ai_cs_backup_0.sql", age_h=100)
    (tmp_path / "link").symlink_to(tmp_path / "many", target_is_directory=True)
    wanted = dict.fromkeys(("in-colour", "in-lines", "in-bytes", "commands", "before-time", "blank"), "found:too-old")
    wanted |= {"many": "clear", "link": "clear", "loops": "clear", "to-come": "unknown"}
    ran = check(tmp_path / "run", {name: backup(tmp_path / name) for name in wanted})
    must_be_orderly(ran)
    for name, outcome in wanted.items():
        assert outcomes(ran.of(name)) == {"backup.stale": outcome}, f"{name}\n{describe(ran.of(name))}"


def test_variables_of_any_content(tmp_path: Path) -> None:
    secret = "planted-in-a-dotenv-0123456789"
    contents: dict[str, bytes] = {
        "large": b"A=" + b"x" * (3 << 20),
        "many": b"".join(f"V{n}=x\n".encode() for n in range(50_000)),
        "open-quotes": b'A="' * 100_000,
        "open-lines": b'A="\n' * 100_000,
        "escapes": f"AI_CS_RUNTIME_ENV={EVIL}\nAI_CS_POSTGRES_DSN={EVIL}://a\nAI_CS_ADDR={EVIL}:x\n".encode(),
        "bytes": b"AI_CS_RUNTIME_ENV=\xff\xfe\n",
        "nul": b"AI_CS_RUNTIME_ENV=a\0b\n",
        "utf-16": DOTENV.encode("utf-16"),
        "long-value": DOTENV.encode() + b"AI_CS_RUNTIME_ENV=" + b"y" * 900_000,
        "odd-address": b"AI_CS_ADDR=nowhere\n",
        "port-too-high": b"AI_CS_ADDR=127.0.0.1:99999999999\n",
        "port-of-other-digits": "AI_CS_ADDR=127.0.0.1:\u0661\u0662\n".encode(),
        "odd-dsn": b"AI_CS_POSTGRES_DSN=postgresql://[::1:5432/x\n",
        "no-ascii-dsn": "AI_CS_POSTGRES_DSN=postgresql://\u2100\u2044:5432/x\n".encode(),
    }
    systems = {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content + f"\nAI_CS_WEBHOOK_SECRET={secret}\n".encode())
        systems[name] = on_files(variables={"file": str(tmp_path / name)}, host={"here": True})
    ran = check(tmp_path / "run", systems)
    must_be_orderly(ran)
    assert secret not in ran.output()
    assert ran.folder
    assert secret not in (ran.folder / "results.json").read_text()


def running(mark: str) -> list[int]:
    """Return processes that inherited the mark."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_commands_that_never_end_are_killed(tmp_path: Path) -> None:
    """A command and its children end with the check that started it, or at the latest with the run."""
    mark = f"{tmp_path.name}-{os.getpid()}"
    script = tmp_path / "vault"
    script.write_text(f"#!/bin/sh\nexport {MARK}={mark}\nsleep 1000 &\nsleep 1000\n")
    script.chmod(0o755)
    with FakeServer(saying({"status": "UP"})) as server:
        system = {
            "deadline_s": 2,
            "http": {"base_url": server.url},
            "webhook": {"secret": {"command": [str(script)]}},
            "symptoms": {"webhook.tampered-accepted": {"deadline_s": 2}},
            "variables": {"command": [str(script)]},
        }
        ran = check(tmp_path / "run", {SYSTEM: system}, "-m", "webhook or preflight")
    must_be_orderly(ran, deadline_s=2)
    got = outcomes(ran.of(SYSTEM))
    assert set(got.values()) == {"unknown"}, describe(ran.of(SYSTEM))
    assert not running(mark), "the command survived the run"
