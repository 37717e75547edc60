"""Set-up creates a complete .venv once, also after interruptions."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
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


def with_python_3_9(folder: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Run tools/setup.py with a Python that claims to be 3.9."""
    pretend = "import sys, runpy; sys.version_info = (3, 9, 2); runpy.run_path('tools/setup.py', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", pretend],
        check=False,
        cwd=folder,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
    )


def test_old_python_is_reported_in_one_sentence(tmp_path: Path) -> None:
    done = with_python_3_9(ROOT, tmp_path)
    assert done.returncode == 1
    assert done.stderr == ("set-up: needs Python 3.11 or newer, and python3 here is 3.9: install a newer one.\n")


def test_old_python_hands_over_to_a_newer_one(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n")
    newer = tmp_path / "python3.12"
    newer.write_text('#!/bin/sh\n[ "$1" = -I ] || echo "handed over: $1"\n')
    for path in (shim, newer):
        path.chmod(0o755)
    done = with_python_3_9(ROOT, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "handed over: tools/setup.py\n", "")


def test_old_python_can_parse_the_file() -> None:
    ast.parse((ROOT / "tools" / "setup.py").read_text(), feature_version=(3, 7))


def test_unwritable_folder_is_reported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        return  # root may write everywhere
    project = SmallProject(tmp_path / "theirs")
    project.folder.chmod(0o555)
    code, said = project.set_up()
    project.folder.chmod(0o755)
    assert code == 1
    assert said.endswith("is not yours to write in: set up as its owner, or clone it for yourself.\n")
