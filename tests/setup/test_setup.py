"""Set-up creates a complete .venv once, also after interruptions."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.setup.small_project import ROOT, SmallProject

MISSING = f"nothing-there==1 --hash=sha256:{'0' * 64}\n"


@pytest.mark.slow
def test_life_of_a_checkout(tmp_path: Path) -> None:
    project = SmallProject(tmp_path / "my wörk")
    two_at_once(project)
    began = time.monotonic()
    assert project.set_up() == (0, "")
    assert time.monotonic() - began < 1.0
    keeps_the_environment_when_the_index_is_unreachable(project)
    updates_in_place(project)
    starts_again_when_killed_and_moved(project)


def two_at_once(project: SmallProject) -> None:
    both = [project.start(), project.start()]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("ready after" in text for text in said) == 1, "one does the work, the other waits"
    assert project.imports_itself()
    assert list((project.folder / "tools" / "__pycache__").glob("setup.*.pyc")), "bytecode despite the environment"


def keeps_the_environment_when_the_index_is_unreachable(project: SmallProject) -> None:
    before = project.stamp.read_text()
    (project.folder / "requirements-dev.txt").write_text(MISSING)
    code, said = project.set_up()
    assert code == 1
    assert "The package index must be within reach this first time." in said
    assert "Traceback" not in said
    assert project.stamp.read_text() == before
    assert project.imports_itself()
    (project.folder / "requirements-dev.txt").write_text("# nothing\n")


def updates_in_place(project: SmallProject) -> None:
    mark = project.folder / ".venv" / "mark"
    mark.touch()
    (project.folder / "pyproject.toml").open("a").write("# changed\n")
    code, said = project.set_up()
    assert (code, mark.exists()) == (0, True), said
    assert "updating .venv" in said
    assert project.set_up() == (0, "")


def starts_again_when_killed_and_moved(project: SmallProject) -> None:
    """An incomplete environment is made again; the scripts of a virtual environment contain its path."""
    (project.folder / "pyproject.toml").open("a").write("# changed again\n")
    killed = project.start()
    while project.stamp.exists():
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    project.folder = project.folder.rename(project.folder.with_name("moved"))
    code, said = project.set_up()
    assert code == 0, said
    assert "filling .venv" in said
    assert not (project.folder / ".venv" / "mark").exists()
    assert project.imports_itself()


def set_up_with(path: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """`make set-up` with these scripts alone on PATH."""
    for name, script in pythons.items():
        program = path / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    command = [shutil.which("make") or "make", "-s", "set-up"]
    return subprocess.run(command, check=False, cwd=ROOT, env={"PATH": str(path)}, capture_output=True, text=True)


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = set_up_with(tmp_path, python3="exit 1")
    assert done.returncode == 2
    assert done.stderr.startswith("set-up: needs Python 3.11 or newer on PATH: install one.\n")


def test_a_newer_python_is_taken_in_place_of_an_old_one(tmp_path: Path) -> None:
    newer = '[ "$1" = -I ] || echo "taken: $1"'
    done = set_up_with(tmp_path, python3="exit 1", python3_13="exit 127", python3_12=newer)
    assert (done.returncode, done.stdout, done.stderr) == (0, "taken: tools/setup.py\n", "")


def test_unwritable_folder_is_reported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        return  # root may write everywhere
    project = SmallProject(tmp_path / "theirs")
    project.folder.chmod(0o555)
    code, said = project.set_up()
    project.folder.chmod(0o755)
    assert code == 1
    assert said.endswith("is not yours to write in: set up as its owner, or clone it for yourself.\n")
