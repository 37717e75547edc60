"""Every finding is sent on its channels although nothing can be written to disk, and not too often."""

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
NOTICE = "[stage] monitor: the history cannot be written"


@contextmanager
def mounted(folder: Path, options: str = "size=400k") -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root and the permission to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - umount from PATH


@pytest.fixture
def disk(stage: Stage) -> Iterator[Path]:
    """A separate file system for the state folder, so small that it fills at once."""
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


def test_full_disk_stops_no_message(stage: Stage, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage.go(0, [])
    fill(disk)
    codes = [stage.go(minute, DOWN) for minute in range(1, 41)]
    assert set(codes) == {1}
    assert "the history cannot be written" in capsys.readouterr().err
    for channel, title in (("pager", TITLE), ("chat", TITLE), ("chat", STALE), ("mail", NOTICE)):
        assert stage.receivers.titles(channel).count(title) == 2, "at once, and again after half an hour"
    assert {got.at for got in stage.receivers.got} == {stage.receivers.got[0].at, stage.receivers.got[0].at + 1800}
    assert all("the history cannot be written" in got.body for got in stage.receivers.got)
    [own, _] = [got.body for got in stage.receivers.got if got.channel == "mail"]
    assert f"health.unreachable[{SYSTEM}]" in own
    (disk / "full").unlink()
    for minute in (41, 42):
        assert stage.go(minute, DOWN) == 0
    assert stage.receivers.titles("pager") == [TITLE] * 3, "and by the rules, when the history can be written again"
    assert stage.receivers.titles("mail")[-1].startswith("[stage] monitor: no history from")


def test_new_finding_on_a_full_disk_is_sent_at_once(stage: Stage, disk: Path) -> None:
    stage.go(0, [])
    fill(disk)
    for minute in range(1, 10):
        stage.go(minute, [*DOWN, Trouble("database.unreachable", 5, 60)])
    assert f"[stage] P0 database.unreachable[{SYSTEM}] (some-cause)" in stage.receivers.titles("pager")
    assert stage.receivers.titles("mail") == [NOTICE] * 2


def test_alert_from_before_the_disk_was_full_is_not_repeated_as_new(stage: Stage, disk: Path) -> None:
    for minute in range(3):
        stage.go(minute, [Trouble("health.unreachable", 0, 60)])
    fill(disk)
    for minute in range(3, 9):
        stage.go(minute, [Trouble("health.unreachable", 0, 60)])
    assert stage.receivers.titles("pager") == [TITLE]
    assert stage.receivers.titles("mail") == [NOTICE]


def test_read_only_disk_keeps_sent_messages_known(stage: Stage, disk: Path) -> None:
    for minute in range(3):
        stage.go(minute, [Trouble("health.unreachable", 0, 60)])
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)  # noqa: S607 - mount from PATH
    for minute in range(3, 6):
        assert stage.go(minute, [Trouble("health.unreachable", 0, 60)]) == 1
    assert stage.receivers.titles("pager") == [TITLE]
    assert stage.receivers.titles("mail") == [NOTICE] * 3, "the delivery cannot be recorded"


def test_channel_that_is_also_down_is_tried_in_every_run(stage: Stage, disk: Path) -> None:
    stage.go(0, [])
    fill(disk)
    stage.receivers.down = {"pager"}
    for minute in (1, 2, 3):
        stage.go(minute, DOWN)
    stage.receivers.down = set()
    for minute in (4, 5, 6):
        stage.go(minute, DOWN)
    assert stage.receivers.titles("pager") == [TITLE]


def test_files_that_cannot_grow_are_like_a_full_disk(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """For users who may not mount anything; the time stamp that records messages still changes."""
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
def test_without_a_state_folder_everything_is_sent_in_every_run(
    stage: Stage, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing records which messages were sent: better in every run than never."""
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
def test_named_pipe_in_place_of_a_file_blocks_nothing(stage: Stage, name: str) -> None:
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


def test_run_needs_no_disk_space(lab: LabClient, tmp_path: Path, receivers: Receivers) -> None:
    """No file can grow by a byte: not the history, not the run's folder, and no temporary file."""
    no_files = ("sh", "-c", 'ulimit -f 0 && exec "$@"', "sh")
    with lab.fault("backup.stale:none"):
        child = monitor(lab, tmp_path, receivers, before=no_files)
        said, _ = child.communicate(timeout=120)
    assert child.returncode == 1, said
    assert receivers.titles("chat") == [f"[lab] P2 backup.stale[{SYSTEM}] (none)"], said
    assert "the history cannot be written" in receivers.got[0].body
    assert "Traceback" not in said


def test_disk_that_a_run_fills_costs_no_alert(lab: LabClient, tmp_path: Path, receivers: Receivers) -> None:
    """There is space when the run begins, and none for its report."""
    with mounted(tmp_path / "state", "size=100k"), lab.fault("backup.stale:none"):
        child = monitor(lab, tmp_path, receivers)
        said, _ = child.communicate(timeout=120)
    assert child.returncode == 1, said
    assert receivers.titles("chat") == [f"[lab] P2 backup.stale[{SYSTEM}] (none)"], said
