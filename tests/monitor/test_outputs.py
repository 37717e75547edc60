"""Status page and metrics replace no link, pipe or device; a run completes without a reader of its output."""

from __future__ import annotations

import json
import os
import shlex
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT
from tests.product.test_outputs import mode_of, reading

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = {
    "schema": 1,
    "run": {"id": "20260302T000000-000000", "environment": "stage", "duration_s": 1.0, "exit_code": 0},
    "counts": {"clear": 1, "found": 0, "unknown": 0, "skipped": 0},
    "roots": [],
    "checklist": None,
    "results": [],
}


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """An environment file with `page` and `metrics` next to it."""
    monitoring = {"every_min": 5, "page": "page", "metrics": "metrics"}
    systems = {"ai-customer-service": {"backups": {"folder": "."}}}
    text = {"name": "stage", "tier": "staging", "systems": systems, "monitoring": monitoring}
    (tmp_path / "stage.yaml").write_text(json.dumps(text))
    (tmp_path / "document.json").write_text(json.dumps(DOCUMENT))
    return tmp_path / "stage.yaml"


def round_of(stage: Path, ending: str = "") -> subprocess.CompletedProcess[str]:
    state, document = stage.with_name("state"), stage.with_name("document.json")
    words = [
        sys.executable,
        "-m",
        "runbook_checks.monitor",
        str(stage),
        "--state",
        str(state),
        "--document",
        str(document),
    ]
    line = f"{shlex.join(words)} {ending}"
    return subprocess.run(["/bin/sh", "-c", line], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)


def test_page_and_metrics_are_written_through_links_and_pipes(stage: Path) -> None:
    folder = stage.parent
    (folder / "site").mkdir()
    (folder / "page").symlink_to("site/index.html")
    (folder / "site" / "index.html").write_text("old")
    (folder / "site" / "index.html").chmod(0o604)
    os.mkfifo(folder / "metrics")
    with reading(folder / "metrics") as reported:
        done = round_of(stage)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.readlink(folder / "page") == "site/index.html"
    assert (folder / "site" / "index.html").read_text().startswith("<!doctype html>")
    assert mode_of(folder / "site" / "index.html") == 0o604
    assert stat.S_ISFIFO((folder / "metrics").stat().st_mode)
    assert b"runbook_checks_monitor_round_timestamp_seconds" in reported[0]


def test_unwritable_page_is_an_error_of_the_monitor(stage: Path) -> None:
    (stage.parent / "page").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(stage.parent / "metrics"))
        done = round_of(stage)
    assert done.returncode == 1
    assert f"monitor: the status page could not be written to {stage.parent}/page: it is a folder\n" in done.stderr
    assert f"monitor: the metrics could not be written to {stage.parent}/metrics: it is a socket\n" in done.stderr


@pytest.mark.parametrize("ending", [">&-", "2>&-", "| true"])
def test_run_without_a_reader_of_its_output(stage: Path, ending: str) -> None:
    done = round_of(stage, ending)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert (stage.parent / "page").read_text().startswith("<!doctype html>")


def test_wrong_usage_of_the_monitor() -> None:
    words = [sys.executable, "-m", "runbook_checks.monitor", "--stat"]
    assert subprocess.run(words, cwd=PROJECT, capture_output=True, check=False).returncode == 4
