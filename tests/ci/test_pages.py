"""The pages of `make report` show trends, known issues, and environments side by side."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runbook_checks.cli.allure_report import LOCK, TOOL
from tests.ci.browser import LAPTOP, PHONE, shown
from tests.ci.test_gate import in_days, known
from tests.harness import PROJECT, SYSTEM, LabClient

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A team's own suite, with its runs in its folder."""
    if shutil.which("npm") is None:
        pytest.skip("Allure needs npm, which is not installed")
    if not TOOL.exists() or (TOOL / "package-lock.json").read_bytes() != (LOCK / "package-lock.json").read_bytes():
        pytest.skip("Allure is not installed: `make report` fetches it")
    folder = tmp_path / "checkout"
    (folder / "environments").mkdir(parents=True)
    (folder / "environments" / "some.yaml").touch()
    return folder


def pages(checkout: Path, *words: str) -> None:
    command = [sys.executable, "-m", "runbook_checks.cli.allure_report", *words]
    done = subprocess.run(command, check=False, cwd=checkout, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages_show_known_issues_and_environments_side_by_side(lab: LabClient, checkout: Path, tmp_path: Path) -> None:
    out = ("--out", str(checkout / "reports" / "out"))
    staging = tmp_path / "staging.yaml"
    staging.write_text((PROJECT / "environments" / "lab.yaml").read_text().replace("name: lab\n", "name: staging\n"))
    with lab.fault("backup.stale:none"):
        file = known(tmp_path, symptom="backup.stale", until=in_days(1))
        lab.check("-m", "backup", "--known", file, *out)
        pages(checkout)
        lab.check("-m", "backup", "--system", SYSTEM, *out, env=str(staging))
    lab.check("-m", "backup or health", "--known", file, *out)
    pages(checkout)
    history = checkout / "reports" / "out" / "allure-history-lab.jsonl"
    assert len([json.loads(line) for line in history.read_text().splitlines()]) == 2
    pages(checkout, "--environments", "--to", str(tmp_path / "side"))
    for size in (LAPTOP, PHONE):
        with shown(tmp_path / "side" / "index.html", size) as view:
            view.get_by_text('Environment: "lab"').wait_for()
            view.get_by_text('Environment: "staging"').wait_for()
            view.get_by_text("backup.stale: Backup missing or too old").first.wait_for()


def test_known_issue_is_marked_with_its_reason(lab: LabClient, checkout: Path, tmp_path: Path) -> None:
    with lab.fault("backup.stale:none"):
        lab.check(
            *("-m", "backup", "--out", str(checkout / "reports" / "out")),
            *("--known", known(tmp_path, symptom="backup.stale", until=in_days(1))),
        )
    pages(checkout)
    with shown(checkout / "reports" / "out" / "report" / "index.html") as view:
        view.get_by_text("backup.stale: Backup missing").first.click()
        view.get_by_text("Resolutions").first.click()
        view.get_by_text("the backup host moves").first.wait_for()


def test_pages_can_be_many_files(lab: LabClient, checkout: Path) -> None:
    lab.check("-m", "backup", "--out", str(checkout / "reports" / "out"))
    pages(checkout, "--many-files")
    assert (checkout / "reports" / "out" / "report" / "data").is_dir()
