"""Every command prints its purpose, and what it lacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULT = {"uuid": "1", "historyId": "h", "fullName": "checks.health#check", "name": "health.unreachable"}
CATEGORY = {"name": "Root: P0 health.unreachable", "matchedStatuses": ["failed"], "messageRegex": "^found health.*"}


def make(*words: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", *words]
    return subprocess.run(command, cwd=ROOT, check=True, env=env, capture_output=True, text=True).stdout


def test_make_alone_lists_every_command() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)", text, re.MULTILINE)
    assert phony
    commands = set(phony[1].split()) - {"set-up"}
    assert {"check", "test", "test-all", "lint", "bench", "report", "lab"} <= commands
    listed = make("-s", "-j4")
    assert {line.split()[1] for line in listed.splitlines() if line.startswith("  make ")} == commands
    assert all(len(line) <= 100 for line in listed.splitlines())


def test_several_commands_run_one_after_the_other() -> None:
    assert re.findall(r"-m (ruff|mypy|pytest)", make("-n", "-j4", "lint", "test")) == ["ruff", "ruff", "mypy", "pytest"]


def test_two_commands_cover_every_test() -> None:
    """One with and one without the slow tests, otherwise equal."""
    test, rest = (make("-n", name).splitlines()[-1] for name in ("test", "test-all"))
    assert test.replace('-m "not slow"', "-m slow") == rest != test


def test_ci_calls_the_same_commands() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make --keep-going lint test test-all" in script.read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A team's own suite, with its runs in its folder."""
    folder = tmp_path / "my checks"
    (folder / "environments").mkdir(parents=True)
    (folder / "environments" / "some.yaml").touch()
    return folder


def pages(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": path}
    command = [sys.executable, "-m", "runbook_checks.cli.allure_report"]
    return subprocess.run(command, check=False, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


def leave_a_run(folder: Path, name: str) -> None:
    results = folder / "reports" / "out" / name / "allure"
    results.mkdir(parents=True)
    message = {"message": "found health.unreachable[x] refused"}
    (results / "1-result.json").write_text(json.dumps({**RESULT, "status": "failed", "statusDetails": message}))
    (results / "categories.json").write_text(json.dumps([CATEGORY]))
    latest = folder / "reports" / "out" / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(name)


def test_pages_without_a_run_or_without_node(checkout: Path) -> None:
    done = pages(checkout, "/nowhere")
    assert (done.returncode, done.stderr) == (
        3,
        "report: no results in reports/out yet: run the checks first.\n",
    )
    leave_a_run(checkout, "one")
    done = pages(checkout, "/nowhere")
    assert done.returncode == 3
    assert done.stderr == (
        "report: the report needs Node 20 or newer and npm, and node or npm is not on PATH. "
        "The results are in reports/out/latest; everything else works without Node.\n"
    )


def test_pages_count_a_run_once_in_the_trends_and_load_nothing_remote(checkout: Path) -> None:
    if not (ROOT / ".toolbox" / "allure").exists() or not shutil.which("npm"):
        pytest.skip("Allure is not installed: `make report` fetches it if node is installed")
    leave_a_run(checkout, "one")
    assert pages(checkout, os.environ["PATH"]).returncode == 0
    leave_a_run(checkout, "two")
    for _ in range(2):
        done = pages(checkout, os.environ["PATH"])
        assert (done.stdout, done.stderr) == ("report: reports/out/report/index.html (opens from disk)\n", "")
    history = (checkout / "reports" / "out" / "allure-history.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in history] == ["runbook-checks one", "runbook-checks two"]
    page = (checkout / "reports" / "out" / "report" / "index.html").read_text()
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"https?:", page), (
        "the pages load something from another host"
    )
