"""`ci/monitor` does everything for real: it runs the checks against the lab, keeps a history, and sends alerts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from runbook_checks.monitor.store import Store
from tests.harness import PROJECT, SYSTEM, LabClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.monitor.receivers import Receivers

MONITORING = """
monitoring:
  every_min: 10
  select: health or backup
  channels: {chat: {env: CHAT}}
  severities:
    P0: {channels: [chat], after: 1, of: 1, clear_after: 1}
    P2: {channels: [chat], after: 1, of: 1, clear_after: 1}
"""


def monitor(lab: LabClient, folder: Path, receivers: Receivers, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    environment = folder / "lab.yaml"
    text = (PROJECT / "environments" / "lab.yaml").read_text().replace("lab: true\n", "")
    head, _, systems = text.partition("systems:\n")
    ours = systems[systems.index(f"  {SYSTEM}:") :]
    ours = ours.splitlines(keepends=True)[0] + "".join(
        line for line in _until_next_system(ours.splitlines(keepends=True)[1:])
    )
    environment.write_text(f"{head}systems:\n{ours}{MONITORING}")
    variables = {
        **os.environ,
        **lab.variables,
        "CHAT": receivers.address("chat"),
        "CHECKS_STATE": str(folder / "state"),
    }
    return subprocess.Popen(
        [*before, str(PROJECT / "ci" / "monitor"), str(environment)],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    )


def _until_next_system(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line[:2] == "  " and line[2] not in " #":
            return
        yield line


def test_checks_are_run_and_alerts_are_sent(lab: LabClient, tmp_path: Path, receivers: Receivers) -> None:
    with lab.fault("backup.stale:none"):
        said, _ = (child := monitor(lab, tmp_path, receivers)).communicate(timeout=120)
        assert child.returncode == 0, said
    said, _ = (child := monitor(lab, tmp_path, receivers)).communicate(timeout=120)
    assert child.returncode == 0, said
    assert receivers.titles("chat") == [
        f"[lab] P2 backup.stale[{SYSTEM}] (none)",
        f"[lab] resolved: backup.stale[{SYSTEM}]",
    ]
    assert "ai_cs_backup" in receivers.got[0].body


def test_results_count_although_the_files_of_the_run_cannot_be_written(
    lab: LabClient, tmp_path: Path, receivers: Receivers
) -> None:
    """All is clear; exit code 3 is about the run's own folder, whose path is a file."""
    folder = tmp_path / "state" / "lab"
    folder.mkdir(parents=True)
    (folder / "runs").write_text("no folder")
    said, _ = (child := monitor(lab, tmp_path, receivers)).communicate(timeout=120)
    assert child.returncode == 1, said
    assert "the checks ended with exit code 3: their results are used" in said
    [run] = Store(folder / "history.sqlite3").rows("SELECT * FROM run")
    assert (run["exit_code"], run["found"]) == (0, 0)


def test_next_run_continues_after_a_kill(lab: LabClient, tmp_path: Path, receivers: Receivers) -> None:
    child = monitor(lab, tmp_path, receivers)
    runs = tmp_path / "state" / "lab" / "runs"
    while not runs.exists():
        assert child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGSTOP)  # the first is still running, however long the second takes to start
    second = monitor(lab, tmp_path, receivers)
    said, _ = second.communicate(timeout=60)
    assert (second.returncode, "skipped" in said) == (75, True), said
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    with lab.fault("backup.stale:none"):
        said, _ = (child := monitor(lab, tmp_path, receivers)).communicate(timeout=120)
    assert child.returncode == 0, said
    assert "1 runs skipped" in said
    assert len(receivers.got) == 1
