"""Is everything that is found told on its own channels although nothing can be written, and not told all the time?"""

from __future__ import annotations

import json
import os
import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT, SYSTEM, LabClient
from tests.monitor.stage import Stage, Trouble, document
from tests.monitor.test_rounds import monitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.monitor.receivers import Receivers

DOWN = [Trouble("health.unreachable", 0, 60), Trouble("backup.stale", 0, 60)]
TITLE = f"[stage] P0 health.unreachable[{SYSTEM}] (some-cause)"
STALE = f"[stage] P1 backup.stale[{SYSTEM}] (some-cause)"
NOTICE = "[stage] monitor: the history can't be written"


@contextmanager
def mounted(folder: Path, options: str = "size=400k") -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can only be mounted by root, where mounting is allowed")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - umount is where the system has it


@pytest.fixture
def disk(stage: Stage) -> Iterator[Path]:
    """A file system of its own for the state folder, so small that it fills at once."""
    with mounted(stage.folder / "disk") as folder:
        stage.state.symlink_to(folder)
        yield folder


def fill(disk: Path) -> None:
    with (disk / "full").open("ab", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 512)
        except OSError:
            pass


def test_full_disk_keeps_nobody_from_being_told(stage: Stage, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage.go(0, [])
    fill(disk)
    codes = [stage.go(minute, DOWN) for minute in range(1, 41)]
    assert set(codes) == {1}
    assert "the history can't be written" in capsys.readouterr().err
    for channel, title in (("pager", TITLE), ("chat", TITLE), ("chat", STALE), ("mail", NOTICE)):
        assert stage.receivers.titles(channel).count(title) == 2, "at once, and again after half an hour"
    assert {got.at for got in stage.receivers.got} == {stage.receivers.got[0].at, stage.receivers.got[0].at + 1800}
    assert all("the history can't be written" in got.body for got in stage.receivers.got)
    [own, _] = [got.body for got in stage.receivers.got if got.channel == "mail"]
    assert f"health.unreachable[{SYSTEM}]" in own
    (disk / "full").unlink()
    for minute in (41, 42):
        assert stage.go(minute, DOWN) == 0
    assert stage.receivers.titles("pager") == [TITLE] * 3, "and by the rules, once it can be remembered"
    assert stage.receivers.titles("mail")[-1].startswith("[stage] monitor: nothing could be remembered from")


def test_something_new_on_a_full_disk_is_told_at_once(stage: Stage, disk: Path) -> None:
    stage.go(0, [])
    fill(disk)
    for minute in range(1, 10):
        stage.go(minute, [*DOWN, Trouble("database.unreachable", 5, 60)])
    assert f"[stage] P0 database.unreachable[{SYSTEM}] (some-cause)" in stage.receivers.titles("pager")
    assert stage.receivers.titles("mail") == [NOTICE] * 2


def test_what_was_told_before_the_disk_was_full_is_not_told_as_new(stage: Stage, disk: Path) -> None:
    for minute in range(3):
        stage.go(minute, [Trouble("health.unreachable", 0, 60)])
    fill(disk)
    for minute in range(3, 9):
        stage.go(minute, [Trouble("health.unreachable", 0, 60)])
    assert stage.receivers.titles("pager") == [TITLE]
    assert stage.receivers.titles("mail") == [NOTICE]


def test_read_only_disk_leaves_what_was_told_known(stage: Stage, disk: Path) -> None:
    for minute in range(3):
        stage.go(minute, [Trouble("health.unreachable", 0, 60)])
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)  # noqa: S607 - mount is where the system has it
    for minute in range(3, 6):
        assert stage.go(minute, [Trouble("health.unreachable", 0, 60)]) == 1
    assert stage.receivers.titles("pager") == [TITLE]
    assert stage.receivers.titles("mail") == [NOTICE] * 3, "nothing can say that it was told"


def test_channel_that_is_down_as_well_is_tried_in_every_round(stage: Stage, disk: Path) -> None:
    stage.go(0, [])
    fill(disk)
    stage.receivers.down = {"pager"}
    for minute in (1, 2, 3):
        stage.go(minute, DOWN)
    stage.receivers.down = set()
    for minute in (4, 5, 6):
        stage.go(minute, DOWN)
    assert stage.receivers.titles("pager") == [TITLE]


def test_files_that_can_t_grow_are_as_good_as_a_full_disk(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """For everybody who may not mount anything; the time stamp that says what was told still changes."""
    stage.go(0, [])
    stage.before, stage.after = no_growth, all_growth
    codes = [stage.go(minute, DOWN) for minute in range(1, 5)]
    assert codes == [1] * 4, capsys.readouterr()
    assert stage.receivers.titles("pager") == [TITLE]
    assert stage.receivers.titles("mail") == [NOTICE]


def no_growth() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def all_growth() -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("what", ["below a file", "read-only", "unknown"])
def test_without_any_state_folder_all_is_told_in_every_round(
    stage: Stage, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is left to know by what was told: better every round than never."""
    if what == "below a file":
        stage.state.write_text("no folder")
        rounds(stage)
    elif what == "read-only":
        with mounted(stage.state, "ro"):
            rounds(stage)
    else:
        stage.environment["monitoring"]["state"] = {"env": "STAGE_NOWHERE"}
        stage.write()
        stage.arguments = []
        rounds(stage)
        assert "monitoring.state: {env: STAGE_NOWHERE} can't be resolved" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["history.sqlite3", "stepped-aside"])
def test_named_pipe_in_the_place_of_a_file_holds_up_nothing(stage: Stage, name: str) -> None:
    folder = stage.state / "stage"
    folder.mkdir(parents=True)
    results = stage.folder / "results.json"
    results.write_text(json.dumps(document(DOWN, 1)))
    words = [str(PROJECT / "ci" / "monitor"), str(stage.path), *stage.arguments, "--document", str(results)]
    os.mkfifo(folder / name)
    codes = [subprocess.run(words, check=False, timeout=20, capture_output=True).returncode for _ in range(2)]
    assert codes == ([1, 1] if name.startswith("history") else [0, 0])
    assert TITLE in stage.receivers.titles("pager")


def rounds(stage: Stage) -> None:
    for minute in (0, 1):
        assert stage.go(minute, DOWN) == 1
    assert stage.receivers.titles("pager") == [TITLE] * 2
    assert stage.receivers.titles("chat").count(STALE) == 2
    assert stage.receivers.titles("mail") == [NOTICE] * 2


def test_round_needs_no_disk_at_all(lab: LabClient, tmp_path: Path, receivers: Receivers) -> None:
    """No file can grow by a byte: not the history, not the run's folder, no temporary file of anything."""
    no_files = ("sh", "-c", 'ulimit -f 0 && exec "$@"', "sh")
    with lab.fault("backup.stale:none"):
        child = monitor(lab, tmp_path, receivers, before=no_files)
        said, _ = child.communicate(timeout=120)
    assert child.returncode == 1, said
    assert receivers.titles("chat") == [f"[lab] P2 backup.stale[{SYSTEM}] (none)"], said
    assert "the history can't be written" in receivers.got[0].body
    assert "Traceback" not in said


def test_disk_that_a_run_fills_costs_no_alarm(lab: LabClient, tmp_path: Path, receivers: Receivers) -> None:
    """There is room when the run begins, and none for its report."""
    with mounted(tmp_path / "state", "size=100k"), lab.fault("backup.stale:none"):
        child = monitor(lab, tmp_path, receivers)
        said, _ = child.communicate(timeout=120)
    assert child.returncode == 1, said
    assert receivers.titles("chat") == [f"[lab] P2 backup.stale[{SYSTEM}] (none)"], said
