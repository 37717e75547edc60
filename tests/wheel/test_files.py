"""The wheels contain the tracked files, each below one package, even if built from an untidy tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wheel import SLOW
from tests.wheel.sources import (
    ENGINE,
    LAB,
    Project,
    build,
    build_from_sdist,
    clone_of_work_tree,
    files_in,
    said_by_build,
    tracked,
)

pytestmark = SLOW
PROJECTS = pytest.mark.parametrize("project", [ENGINE, LAB], ids=["engine", "lab"])
# Ignored and untracked files: what people and tools leave behind, and what a user of the clone writes.
LEFT_LYING = (
    "checks/__pycache__/health.cpython-311.pyc",
    "checks/.DS_Store",
    "checks/later [draft].py",
    "environments/staging.yaml",
    "runbooks/own/shop.yaml",
    "reports/out/20260101T000000-abcdef/results.json",
    "reports/allure/node_modules/allure/cli.js",
    "src/runbook_checks/old/__init__.py",
    "src/runbook_checks/core.1234",
    "src/runbook_checks/.ruff_cache/x",
    "lab/src/runbook_checks_lab/old.py",
    "lab/src/runbook_checks_lab/.DS_Store",
    "lab/build/x.py",
    "node_modules/x.js",
    ".cache/runbooks/x.pickle",
)


def below_package(wheel: Path) -> list[str]:
    """Return the installed files without the metadata, which contain the wheel's hashes."""
    return [name for name in files_in(wheel) if ".dist-info/" not in name]


@PROJECTS
def test_wheel_has_the_tracked_files_below_one_package(project: Project, tmp_path: Path) -> None:
    source = clone_of_work_tree(tmp_path / "clean")
    wheel = build(source, project, "wheel", tmp_path)
    expected = [
        f"{place}/{name.removeprefix(f'{folder}/')}"
        for folder, place in project.places.items()
        for name in tracked(source)
        if name.startswith(f"{folder}/")
    ]
    assert below_package(wheel) == sorted(expected)
    assert f"{project.name}/py.typed" in expected
    tops = {name.partition("/")[0] for name in files_in(wheel)}
    assert tops == {project.name, f"{project.name}-{wheel.name.split('-')[1]}.dist-info"}


@PROJECTS
def test_dirty_tree_and_sdist_give_the_same_files(project: Project, tmp_path: Path) -> None:
    source = clone_of_work_tree(tmp_path / "tree")
    clean = files_in(build(source, project, "wheel", tmp_path / "clean"))
    for name in LEFT_LYING:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("left behind\n")
    assert files_in(build(source, project, "wheel", tmp_path / "dirty")) == clean
    assert files_in(build_from_sdist(source, project, tmp_path / "sdist")) == clean


def test_excluded_files_are_named(tmp_path: Path) -> None:
    """Otherwise a module that was forgotten at `git add` would be silently missing."""
    source = clone_of_work_tree(tmp_path / "tree")
    for name in ("checks/forgotten.py", "checks/ignored.pyc", "tests/elsewhere.py"):
        (source / name).touch()
    said = said_by_build(source, ENGINE, "wheel", tmp_path)
    assert said.startswith("excluded because git does not track it: checks/forgotten.py\n")
