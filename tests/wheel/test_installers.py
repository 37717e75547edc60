"""uvx and pipx install the wheel like pip: offline, and from wheels only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wheel import SLOW
from tests.wheel.environments import Venv
from tests.wheel.sources import ENGINE
from tests.wheel.wheelhouse import wheelhouse

pytestmark = SLOW
Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="module")
def installers(once: Once) -> Venv:
    return Venv(once("installers", lambda folder: Venv.made(folder).install("uv", "pipx")))


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run an installer that finds packages only in the wheelhouse and builds none; pipx also installs with uv."""
    offline = {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": wheelhouse().as_uri(), "UV_NO_BUILD": "1"}
    own = {"HOME": str(home), "PATH": "/usr/bin:/bin", "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    home.mkdir(exist_ok=True)
    return subprocess.run(words, cwd=home, env=own | offline, capture_output=True, text=True, check=False)


def test_uvx_runs_the_command(installers: Venv, wheels: dict[str, Path], tmp_path: Path) -> None:
    words = ("--python", installers.program("python"), "--from", str(wheels[ENGINE.name]))
    done = run(tmp_path / "home", installers.program("uvx"), *words, "runbook-checks", "--version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("runbook-checks ")


def test_pipx_installs_the_command(installers: Venv, wheels: dict[str, Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ("install", "--python", installers.program("python"), str(wheels[ENGINE.name]))
    done = run(home, installers.program("pipx"), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = run(home, str(home / ".local" / "bin" / "runbook-checks"), "--env", "none-such")
    assert listed.returncode == 4
    assert "none-such: there is no such environment" in listed.stderr
