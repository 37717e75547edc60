"""A restore drill leaves nothing behind, however it ends, and changes only its scratch server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.harness import LabClient, describe, interruptible

SYSTEM = "aura-flow"
DRILL = ("-m", "drill and backup")
FOLDERS = "runbook-checks-drill-*"


@pytest.fixture
def aura(lab_of: Callable[[str], LabClient]) -> LabClient:
    return lab_of(SYSTEM)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Return the folder for scratch servers of drills; PostgreSQL's user must be able to reach it."""
    folder = Path("/tmp") / f"drill-{os.getpid()}-{time.monotonic_ns() % 10**6}"
    folder.mkdir(mode=0o711)
    yield folder
    shutil.rmtree(folder)


def environment(where: Path, **drill: object) -> str:
    """Write an environment file with additional settings of the drill."""
    system = {
        "postgres": {"dsn": {"env": "LAB_AF_MONITOR_DSN"}},
        "resolver": {"env": "LAB_RESOLVER"},
        "backups": {
            "folder": {"env": "LAB_AF_BACKUP_FOLDER"},
            "drill": {"record": str(where / "drills.json"), "recovery_min": 5, **drill},
        },
    }
    path = where / "drill.yaml"
    path.write_text(json.dumps({"name": "drill", "tier": "production", "systems": {SYSTEM: system}}))
    return str(path)


def servers(place: Path) -> list[psutil.Process]:
    """Return the processes of scratch servers below a folder."""
    running = psutil.process_iter(["cmdline"])
    return [process for process in running if any(str(place) in word for word in process.info["cmdline"] or ())]


def restoring(place: Path) -> bool:
    """Whether a session of the scratch server is at the dump's sleep."""
    try:
        sessions = [session for server in servers(place) for session in server.children()]
        return any("SELECT" in " ".join(session.cmdline()) for session in sessions)
    except psutil.NoSuchProcess:  # initdb's processes come and go
        return False


def until(is_so: Callable[[], object], patience_s: float = 60) -> None:
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


def test_successful_drill_is_recorded_and_leaves_nothing(aura: LabClient, tmp_path: Path, place: Path) -> None:
    env = environment(tmp_path, folder=str(place))
    (tmp_path / "drills.json").symlink_to("kept.json")
    overdue = aura.check("-m", "backup and not drill", env=env, variables=aura.variables).results[
        "backup.drill-overdue"
    ]
    assert [finding["cause"] for finding in overdue["findings"]] == ["never-drilled"]
    ran = aura.check(*DRILL, env=env, variables=aura.variables)
    assert ran.results["backup.not-restorable"]["outcome"] == "clear", describe(ran)
    again = aura.check("-m", "backup and not drill", env=env, variables=aura.variables)
    assert again.results["backup.drill-overdue"]["outcome"] == "clear", describe(again)
    assert (tmp_path / "drills.json").is_symlink(), "the record is written to the target of the link"
    assert list(place.iterdir()) == []
    assert servers(place) == []


def test_drill_in_a_folder_too_long_for_a_socket(aura: LabClient, tmp_path: Path, place: Path) -> None:
    deep = place / ("a" * 90) / ("b" * 90)
    deep.mkdir(parents=True)
    for folder in (deep, deep.parent):
        folder.chmod(0o777)
    before = set(Path("/tmp").glob(FOLDERS))
    ran = aura.check(*DRILL, env=environment(tmp_path, folder=str(deep)), variables=aura.variables)
    assert ran.results["backup.not-restorable"]["outcome"] == "clear", describe(ran)
    assert list(deep.iterdir()) == []
    until(lambda: set(Path("/tmp").glob(FOLDERS)) <= before)


def test_drill_sends_nothing_to_the_systems_own_database(aura: LabClient, tmp_path: Path, place: Path) -> None:
    env = environment(tmp_path, folder=str(place))
    aura.ask("DELETE", "requests")
    assert aura.check(*DRILL, env=env, variables=aura.variables).code == 0
    assert aura.ask("GET", "statements") == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_drill_leaves_nothing(aura: LabClient, tmp_path: Path, place: Path, how: signal.Signals) -> None:
    """Interrupted during a restore that takes a minute."""
    env = environment(tmp_path, folder=str(place))
    words = [sys.executable, "-m", "pytest", "--env", env, *DRILL]
    variables = {**os.environ, **aura.variables, "CHECKS_OUT": str(tmp_path / "out")}
    with aura.fault("backup.not-restorable:too-slow"):
        child = interruptible(words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: restoring(place))
        child.send_signal(how)
        child.wait(60)
        until(lambda: not servers(place))
        until(lambda: not list(place.iterdir()))
    assert not (tmp_path / "drills.json").exists()


def test_folder_of_a_killed_supervisor_is_removed_by_the_next_drill(
    aura: LabClient, tmp_path: Path, place: Path
) -> None:
    left = place / "runbook-checks-drill-left"
    left.mkdir()
    (left / "alive").touch()
    env = environment(tmp_path, folder=str(place))
    assert aura.check(*DRILL, env=env, variables=aura.variables).code == 0
    assert list(place.iterdir()) == []


def test_server_of_the_system_itself_is_refused(aura: LabClient, tmp_path: Path) -> None:
    env = environment(tmp_path, server={"env": "LAB_AF_MONITOR_DSN"})
    aura.ask("DELETE", "requests")
    ran = aura.check(*DRILL, env=env, variables=aura.variables)
    result = ran.results["backup.not-restorable"]
    assert result["outcome"] == "unknown", describe(ran)
    assert "the server of the system's own database" in result["reason"]
    assert not any("CREATE DATABASE" in row["statement"] for row in aura.ask("GET", "statements"))


def test_machine_without_programs_is_unknown(aura: LabClient, tmp_path: Path) -> None:
    env = environment(tmp_path, binaries=str(tmp_path))
    result = aura.check(*DRILL, env=env, variables=aura.variables).results["backup.not-restorable"]
    assert result["outcome"] == "unknown"
    assert result["resource"] == "scratch"
    assert "are not installed" in result["reason"]


def test_missing_role_is_not_the_dumps_fault(aura: LabClient, tmp_path: Path, place: Path) -> None:
    env = environment(tmp_path, folder=str(place), roles=[])
    result = aura.check(*DRILL, env=env, variables=aura.variables).results["backup.not-restorable"]
    assert result["outcome"] == "unknown"
    assert "backups.drill.roles" in result["reason"]
    assert list(place.iterdir()) == []
