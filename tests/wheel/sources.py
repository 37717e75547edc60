"""The two projects as a fresh clone has them, and their builds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import PROJECT

GIT = ("git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false")


@dataclass(frozen=True)
class Project:
    """One of the two distributions: its folder in the repository, and the place of its files in the wheel."""

    folder: str
    name: str
    places: dict[str, str]


ENGINE = Project(
    ".",
    "runbook_checks",
    {"src/runbook_checks": "runbook_checks"}
    | {name: f"runbook_checks/suite/{name}" for name in ("checks", "fixtures", "environments", "runbooks", "reports")},
)
LAB = Project("lab", "runbook_checks_lab", {"lab/src/runbook_checks_lab": "runbook_checks_lab"})


def clone_of_work_tree(to: Path) -> Path:
    """Make a repository with the tracked files in their current state, committed or not; skip the test without git."""
    names = tracked(PROJECT)
    for name in names:
        if (PROJECT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, to / name)
    subprocess.run([*GIT, "init", "--quiet"], cwd=to, check=True)
    subprocess.run([*GIT, "add", "--all", "--force"], cwd=to, check=True)
    return to


def tracked(folder: Path) -> list[str]:
    try:
        reported = subprocess.run([*GIT, "ls-files", "-z"], cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in reported.stdout.split("\0") if name]


def build(source: Path, project: Project, kind: str, to: Path) -> Path:
    """Build the wheel or sdist of one project with the pinned hatchling."""
    said_by_build(source, project, kind, to)
    [made] = to.glob(f"{project.name}-[0-9]*{'.whl' if kind == 'wheel' else '.tar.gz'}")
    return made


def said_by_build(source: Path, project: Project, kind: str, to: Path) -> str:
    """Return what hatchling prints on standard error when it builds one project."""
    words = [sys.executable, "-I", "-m", "hatchling", "build", "--target", kind, "--directory", str(to)]
    done = subprocess.run(words, cwd=source / project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def build_from_sdist(source: Path, project: Project, to: Path) -> Path:
    """Build the wheel from the unpacked sdist, which is not a checkout."""
    shutil.unpack_archive(build(source, project, "sdist", to), to)
    [unpacked] = [path for path in to.iterdir() if path.is_dir()]
    return build(unpacked, Project(".", project.name, {}), "wheel", to)


def files_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())
