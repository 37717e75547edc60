"""The gate deletes nothing that it did not write, and a failing output does not change its verdict."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.ci.test_gate import GATE
from tests.harness import PROJECT, SYSTEM, LabClient
from tests.product.test_endings import FOUND

if TYPE_CHECKING:
    from pathlib import Path


def gate(lab: LabClient | None, out: Path, ending: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `ci/gate postdeploy lab` with few checks, in a shell that reports failures within a pipe."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))}
    environment |= {"GATE_OUT": str(out), "GATE": "P3", "CHECKS_LAB": str(lab.state) if lab else "/nowhere"} | variables
    line = f"{shlex.quote(str(GATE))} postdeploy lab --system {SYSTEM} -k health {ending}"
    words = ["/bin/bash", "-c", f"set -o pipefail; {line}"]
    return subprocess.run(words, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", ["results.json", "allure", "report"])
def test_link_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "kept").touch()
    out = tmp_path / "gate"
    out.mkdir()
    (out / name).symlink_to(tmp_path / "theirs")
    done = gate(None, out)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == f"gate: {out}/{name} is a link; name another folder with GATE_OUT\n"
    assert (out / name / "kept").exists()


def test_pipe_and_other_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "summary.md")
    assert "summary.md is not a regular file" in gate(None, tmp_path).stderr
    assert stat.S_ISFIFO((tmp_path / "summary.md").stat().st_mode)
    (tmp_path / "summary.md").unlink()
    (tmp_path / "allure").mkdir()
    (tmp_path / "allure" / "package.json").touch()
    done = gate(None, tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert "allure contains other files than results; name another folder" in done.stderr
    assert (tmp_path / "allure" / "package.json").exists()


def test_verdict_does_not_depend_on_readers_and_files(lab: LabClient, tmp_path: Path) -> None:
    """A verdict that cannot be written to the job never passes; a summary that cannot be shown changes nothing."""
    (tmp_path / "output").touch()
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "theirs").touch()
    reported, nowhere = str(tmp_path / "output"), str(tmp_path / "no" / "file")
    passed = gate(lab, tmp_path, "| head -1", GITHUB_OUTPUT=reported, GITHUB_STEP_SUMMARY=nowhere)
    assert passed.returncode == 0, passed.stderr
    assert "gate: the summary could not be added to the job's page" in passed.stderr
    assert (tmp_path / "output").read_text() == "verdict=pass\n"
    assert (tmp_path / "report" / "theirs").exists()
    untold = gate(lab, tmp_path, GITHUB_OUTPUT=nowhere)
    assert (untold.returncode, untold.stdout.splitlines()[-1][:20]) == (3, "gate: stop (exit 3);")
    with lab.fault(FOUND):
        found = gate(lab, tmp_path, ">&-", GITHUB_OUTPUT=nowhere)
    assert found.returncode == 1
    assert "gate: the verdict can't be written to GITHUB_OUTPUT" in found.stderr


def test_pages_do_not_replace_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    words = [
        sys.executable,
        "-m",
        "runbook_checks.cli.allure_report",
        "--results",
        str(tmp_path),
        "--to",
        str(tmp_path),
    ]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"report: {tmp_path} contains other files than a report")
    assert (tmp_path / "kept").exists()


@pytest.mark.parametrize("option", ["--collect-only", "--list-symptoms", "--fixtures"])
def test_option_that_only_lists_does_not_pass(tmp_path: Path, option: str) -> None:
    (tmp_path / "output").touch()
    done = gate(None, tmp_path, CHECKS_ADDOPTS=option, GITHUB_OUTPUT=str(tmp_path / "output"))
    assert done.returncode == 5, done.stderr
    assert done.stderr.endswith(f"gate: nothing was verified: no check is clear in {tmp_path}/results.json\n")
    assert (tmp_path / "output").read_text() == "verdict=stop\n"


def test_python_that_cannot_start_is_not_a_finding(tmp_path: Path) -> None:
    """Python itself exits with 1, which would mean a finding."""
    code = "import sys; sys.executable = '/bin/false'; from runbook_checks.cli import gate; sys.exit(gate.main({}))"
    words = [sys.executable, "-c", code.format(["postdeploy", "lab"])]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, f"gate: stop (exit 3); see {tmp_path}/gate/summary.md\n")
