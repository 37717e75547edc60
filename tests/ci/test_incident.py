"""An on-call engineer gets an answer quickly, from any folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.harness import PROJECT, SYSTEM, LabClient, describe, interruptible, run

if TYPE_CHECKING:
    from pathlib import Path

FIRST_LOOK = {
    "database.unreachable",
    "health.degraded",
    "health.not-live",
    "health.not-ready",
    "health.unreachable",
    "logs.errors",
    "migration.missing",
    "webhook.signature-rejected",
}


def test_quick_run_has_the_first_checks_of_the_runbook_and_takes_seconds(lab: LabClient) -> None:
    """Process and health addresses, database, log, a signed delivery: a minute by hand."""
    runs = [lab.check("-m", "quick") for _ in range(3)]
    assert [ran.code for ran in runs] == [0, 0, 0], describe(runs[0])
    assert set(runs[0].results) >= FIRST_LOOK
    assert min(ran.duration_s for ran in runs) < 3


def test_quick_run_names_the_cause(lab: LabClient) -> None:
    for fault in ("webhook.signature-rejected:secret-mismatch", "database.unreachable:connection-refused"):
        with lab.fault(fault):
            ran = lab.check("-m", "quick")
        assert ran.document["roots"] == [f"{fault.partition(':')[0]}[{SYSTEM}]"], describe(ran)


def test_areas_are_checked_from_any_folder(lab: LabClient, tmp_path: Path) -> None:
    environment = tmp_path / "here.yaml"
    environment.write_text((PROJECT / "environments" / "lab.yaml").read_text())
    variables = {"CHECKS_LAB": str(lab.state), "PYTHONPATH": str(PROJECT)}
    words = ("--env", str(environment), "-m", "domain", "--system", SYSTEM)
    ran = run(*words, cwd=tmp_path, out=tmp_path / "out", variables=variables, words=("-m", "runbook_checks.cli.main"))
    assert ran.code == 0, ran.output()
    assert {name.split(".")[0] for name in ran.results} == {"domain"}


def test_interrupted_watch_shows_its_last_results(lab: LabClient, tmp_path: Path) -> None:
    words = ["--env", "lab", "--system", SYSTEM, "-m", "backup", "--watch", "1", "--out", str(tmp_path)]
    with lab.fault("backup.stale:none"):
        child = interruptible(
            [sys.executable, "-m", "pytest", *words],
            env={**os.environ, "CHECKS_LAB": str(lab.state), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        for line in child.stdout:
            if " pass 2" in line:
                break
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
    assert child.wait(20) == 1
    assert "P2 backup.stale" in rest
    assert "1 root cause. 1 found." in rest
