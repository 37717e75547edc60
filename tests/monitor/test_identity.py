"""Two environments with one name do not share a history, and one that was moved continues its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from runbook_checks.monitor.command import main
from tests.harness import SYSTEM
from tests.monitor.stage import Stage, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DOWN = [Trouble("health.unreachable", 0, 60)]
TITLE = f"[stage] P0 health.unreachable[{SYSTEM}] (some-cause)"


def other(stage: Stage, name: str, *, is_copy: bool = False) -> Stage:
    """A second environment file, in its own folder, with the same state folder."""
    folder = stage.folder / name
    folder.mkdir()
    second = Stage(folder, stage.receivers, stage.clock)
    second.arguments = stage.arguments
    if is_copy:
        shutil.copy(stage.path, second.path)
    else:
        second.environment["tier"] = "production"
        second.write()
    return second


def test_second_environment_with_the_name_is_refused_in_one_sentence(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for minute in (0, 1):
        stage.go(minute, DOWN)
    second = other(stage, "second")
    capsys.readouterr()
    for minute in (2, 3, 4):
        assert second.go(minute, []) == 4
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert f"belongs to the environment of the same name in {stage.path}" in said[0]
    assert "--adopt" in said[0]
    assert stage.receivers.titles("pager") == [TITLE], "the wrong one resolves nothing"
    assert not [*(stage.state / "stage").glob("*-shm")], "reading leaves no files"
    assert stage.go(5, DOWN) == 0


def test_moved_or_identical_environment_continues(stage: Stage) -> None:
    for minute in (0, 1):
        stage.go(minute, DOWN)
    copy = other(stage, "release-2", is_copy=True)
    assert copy.go(2, DOWN) == 0, "the same content is the same environment"
    link = stage.folder / "link"
    link.symlink_to(copy.folder)
    assert Stage_at(link, copy).go(3, DOWN) == 0
    changed = other(stage, "release-3")
    stage.path.unlink()
    assert changed.go(4, DOWN) == 0, "the old file is gone"
    assert stage.receivers.titles("pager") == [TITLE]


def test_copy_that_ran_once_does_not_replace_the_original(stage: Stage) -> None:
    stage.go(0, DOWN)
    assert other(stage, "tried", is_copy=True).go(1, DOWN) == 0
    stage.environment["monitoring"]["keep_days"] = 30
    stage.write()
    assert stage.go(2, DOWN) == 0, "the scheduled one continues after a change"
    copy = other(stage, "adopted", is_copy=True)
    copy.arguments = [*stage.arguments, "--adopt"]
    assert copy.go(3, DOWN) == 0
    copy.path.write_text(copy.path.read_text() + "\n")
    copy.arguments = stage.arguments
    assert copy.go(4, DOWN) == 0, "unless requested"
    assert stage.receivers.titles("pager") == [TITLE]


def test_one_replaces_the_other_on_request(stage: Stage) -> None:
    stage.go(0, DOWN)
    second = other(stage, "second")
    assert second.go(1, DOWN) == 4
    second.arguments = [*stage.arguments, "--adopt"]
    assert second.go(2, DOWN) == 0
    second.arguments = stage.arguments
    assert second.go(3, DOWN) == 0
    assert stage.go(4, DOWN) == 4, "the replaced one is now the second one"


def test_two_without_access_to_each_others_files_do_not_alternate(stage: Stage) -> None:
    """Like two containers with one volume: neither can see the other's file."""
    second = other(stage, "second")
    text = second.path.read_text()
    second.path.unlink()
    assert stage.go(0, DOWN) == 0
    own = stage.path.read_text()
    stage.path.unlink()
    second.path.write_text(text)
    assert second.go(1, []) == 0
    second.path.unlink()
    stage.path.write_text(own)
    assert stage.go(2, DOWN) == 4


def test_name_with_a_path_writes_nothing(stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    stage.environment["name"] = "../evil"
    stage.write()
    before = sorted(tmp_path.rglob("*"))
    assert main([str(stage.path), "--state", str(stage.state)]) == 4
    assert f"{stage.path}: name: must be 1 to 64 of a-z" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def Stage_at(folder: Path, like: Stage) -> Stage:  # noqa: N802 - a stage in another folder
    stage = Stage(folder, like.receivers, like.clock)
    stage.arguments = like.arguments
    return stage
