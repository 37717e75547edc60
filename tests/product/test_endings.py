"""Exit code 1 only means found: a failing output changes no outcome, and is reported in one sentence."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import PROJECT, SYSTEM, LabClient, interruptible
from tests.product.test_outputs import FULL, is_root, node

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = shlex.quote(sys.executable)
BARE = f"{PYTHON} -m pytest"
SCRIPT = f"{PYTHON} -m runbook_checks.cli.main"
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
FOUND = "health.wrong-version:old-version-running"
GONE = "runbook-checks: standard output can't be written, the rest is not shown: "


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return node(tmp_path / "full", stat.S_IFCHR, FULL)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A separate working directory from which the checks can be run."""
    here = tmp_path / "here"
    here.mkdir()
    yield here
    shutil.rmtree(here, ignore_errors=True)


def shell(
    script: str, lab: LabClient | None = None, cwd: Path = PROJECT, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a shell's line, as a person would type it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CHECKS_"))}
    environment |= {"CHECKS_LAB": str(lab.state)} if lab else {}
    environment |= {"PYTHONPATH": str(PROJECT), "COLUMNS": "80"} | (variables or {})
    return subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {script}"], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def words(out: Path, *more: str) -> str:
    return " ".join(["--env lab --system", SYSTEM, "-m health --out", str(out), *more])


def joined(text: str) -> str:
    """Remove blanks and line breaks: long paths are wrapped anywhere."""
    return "".join(text.split())


def document(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "latest" / "results.json").read_text()))


@pytest.mark.parametrize("program", [BARE, SCRIPT, f"{BARE} -n 2"], ids=["bare", "script", "workers"])
def test_closed_pipe_changes_no_outcome(lab: LabClient, tmp_path: Path, program: str) -> None:
    clear = shell(f"{program} {words(tmp_path / 'out')} | head -1", lab)
    with lab.fault(FOUND):
        found = shell(f"{program} {words(tmp_path / 'out')} | head -1", lab)
    assert (clear.returncode, found.returncode) == (0, 1), clear.stderr + found.stderr
    assert clear.stderr == found.stderr == f"{GONE}Broken pipe\n"
    assert document(tmp_path / "out")["roots"] == [f"health.wrong-version[{SYSTEM}]"]


def test_watch_without_a_reader_ends_with_its_last_results(lab: LabClient, tmp_path: Path) -> None:
    with lab.fault(FOUND):
        ran = shell(f"{BARE} {words(tmp_path, '--watch 0.2')} | grep -m1 'pass 2'", lab)
    assert (ran.returncode, ran.stderr) == (1, f"{GONE}Broken pipe\n")
    assert "pass 2" in ran.stdout


@pytest.mark.parametrize("program", [BARE, SCRIPT], ids=["bare", "script"])
@pytest.mark.parametrize(
    ("where", "said"), [(">&-", f"{GONE}it is closed\n"), ("2>&-", ""), (">&- 2>&-", "")], ids=["out", "err", "both"]
)
def test_closed_stream_changes_no_outcome(lab: LabClient, tmp_path: Path, program: str, where: str, said: str) -> None:
    with lab.fault(FOUND):
        ran = shell(f"{program} {words(tmp_path)} {where}", lab)
    assert ran.returncode == 1
    assert ran.stderr == said
    assert ("FOUND" in ran.stdout) == (">&-" not in where.removeprefix("2>&-"))
    outcomes = Counter(result["outcome"] for result in document(tmp_path)["results"])
    assert set(outcomes) == {"clear", "found"}
    assert outcomes["found"] == 1


def test_document_for_a_closed_standard_output_is_refused(lab: LabClient, tmp_path: Path) -> None:
    ran = shell(f"{BARE} {words(tmp_path, '--results /dev/stdout')} >&-", lab)
    assert ran.returncode == 4
    assert "--results /dev/stdout can't be written: it is closed" in ran.stderr


@is_root
def test_full_disk_under_standard_output(lab: LabClient, tmp_path: Path, full: Path) -> None:
    """The outcome is in the run's folder; if only standard output had it, it is lost."""
    for more in ("", "--paste"):
        ran = shell(f"{BARE} {words(tmp_path / 'out', more)} >{full}", lab)
        assert (ran.returncode, ran.stderr) == (0, f"{GONE}No space left on device\n")
        assert document(tmp_path / "out")["roots"] == []
    for asked in ("--env lab --list-symptoms", words(tmp_path / "out", "--collect-only"), "--help"):
        ran = shell(f"{BARE} {asked} >{full}", lab)
        assert (ran.returncode, ran.stderr) == (3, f"{GONE}No space left on device\n"), asked
    listed = shell(f"{BARE} --env lab --list-symptoms | true", lab)
    assert (listed.returncode, listed.stderr) == (0, f"{GONE}Broken pipe\n")


@is_root
def test_output_that_cannot_be_written_exits_3_instead_of_0(lab: LabClient, tmp_path: Path, full: Path) -> None:
    named = f"--results {full} --markdown {full}x --junitxml {tmp_path}/j"
    ran = shell(f"cp -a {full} {full}x; {BARE} {words(tmp_path / 'out', named)}", lab)
    assert ran.returncode == 3, ran.stdout
    for flag in (f"--results {full}", f"--markdown {full}x"):
        assert joined(f"note: {flag} can't be written: No space left on device") in joined(ran.stdout)
    assert (tmp_path / "j").is_file(), "a failing output does not affect the others"
    assert " clear. Gate P3: internal error (exit 3)." in ran.stdout
    junit = shell(f"{BARE} {words(tmp_path / 'out', f'--junitxml {full}')}", lab)
    assert (junit.returncode, junit.stderr) == (3, "")
    assert joined(f"note: --junitxml {full} can't be written: No space left on device") in joined(junit.stdout)
    with lab.fault(FOUND):
        found = shell(f"{BARE} {words(tmp_path / 'out', named)}", lab)
        untold = shell(f"{BARE} {words(tmp_path / 'out', named)} >&-", lab)
    assert (found.returncode, untold.returncode) == (1, 1)
    assert "P1 health.wrong-version" in found.stdout or "health.wrong-version [" in found.stdout
    assert f"runbook-checks: --results {full} can't be written: No space left on device\n" in untold.stderr


@pytest.mark.parametrize("workers", ["", "-n 2"])
def test_full_disk_during_the_run(lab: LabClient, tmp_path: Path, workers: str) -> None:
    """Allure's results, JUnit, the document and pytest's cache are all larger than this."""
    ran = shell(f"ulimit -f 1; {BARE} {words(tmp_path / 'clear', workers)} 2>&1 | cat", lab)
    with lab.fault(FOUND):
        found = shell(f"ulimit -f 1; {BARE} {words(tmp_path / 'found', workers)} 2>&1 | cat", lab)
    assert (ran.returncode, found.returncode) == (3, 1), ran.stdout + found.stdout
    assert joined("results.json can't be written: File too large") in joined(ran.stdout)
    assert joined("(Allure's results) can't be written: File too large") in joined(ran.stdout)
    assert "Traceback" not in ran.stdout + found.stdout
    assert "INTERNALERROR" not in ran.stdout + found.stdout
    assert "FOUND  old-version-running" in found.stdout


def test_out_that_is_not_a_folder(lab: LabClient, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    ran = shell(f"{BARE} {words(tmp_path / 'file')}", lab)
    assert ran.returncode == 3
    assert "no reports folder" in ran.stdout
    assert (tmp_path / "file").read_text() == "kept"


def test_working_directory_that_disappears(lab: LabClient, tmp_path: Path, folder: Path) -> None:
    """Before the run nothing can be checked; during it everything is still reported and written."""
    before = shell(f"rmdir {folder}; {SCRIPT} {words(tmp_path / 'out')}", lab, folder)
    assert before.returncode == 3
    assert before.stderr == "runbook-checks: the working directory is gone; change to another one\n"
    folder.mkdir()
    with lab.fault(FOUND):
        begun = f"until [ -d {tmp_path / 'out'} ]; do sleep 0.1; done; sleep 0.5"
        script = f"({begun}; rm -rf {folder} {tmp_path / 'out'}) & {SCRIPT} {words(tmp_path / 'out', '--settle 4')}"
        ran = shell(f"{script} --results r.json", lab, folder)
    assert ran.returncode == 1, ran.stderr + ran.stdout
    assert ran.stderr == ""
    assert "FOUND  old-version-running" in ran.stdout
    assert json.loads((folder / "r.json").read_text()) == document(tmp_path / "out")


def test_ascii_terminal(lab: LabClient, tmp_path: Path) -> None:
    reason = {"symptom": "health.*", "reason": "Zoë sieht nach … bald", "until": "2099-01-01", "by": "Zoë"}
    (tmp_path / "known.yaml").write_text(json.dumps({"acknowledged": [reason]}))
    with lab.fault(FOUND):
        for more in ("--paste", "-v"):
            ran = shell(f"{BARE} {words(tmp_path, more)} --known {tmp_path}/known.yaml", lab, variables=ASCII)
            assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
            assert "Zo? sieht nach ? bald" in " ".join(ran.stdout.split())
    for command in (f"{BARE} --env lab --list-symptoms", f"{PYTHON} -m runbook_checks_lab --list"):
        ran = shell(command, variables=ASCII)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_characters_outside_ascii_are_replaced(tmp_path: Path) -> None:
    code = "from runbook_checks.output import streams; streams.steady(); print('caf\\u00e9 \\u2026 \\udc80')"
    ran = shell(f'{PYTHON} -c "{code}"', variables=ASCII)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "caf? ?  \n", "")
    ran = shell(f'{PYTHON} -c "{code}"', variables={"LC_ALL": "C.UTF-8"})
    assert (ran.returncode, ran.stdout) == (0, "café …  \n")


@pytest.mark.parametrize("given", ["TERM=", "COLUMNS=0", "COLUMNS=wide", "HOME=/nowhere", "LC_ALL=xx_YY", "TMPDIR=/no"])
def test_unusual_environment_changes_nothing(lab: LabClient, tmp_path: Path, given: str) -> None:
    ran = shell(f"{given} {BARE} {words(tmp_path)}", lab)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " clear. Gate P3: passed (exit 0)." in ran.stdout


def test_low_limit_of_open_files_is_an_error_of_the_run(lab: LabClient, tmp_path: Path) -> None:
    """A connection that fails because of it would be a finding about the target."""
    soft = shell(f"ulimit -Sn 12; {BARE} {words(tmp_path)}", lab)
    assert soft.returncode == 0, soft.stdout + soft.stderr
    for limit in (9, 24, 255):
        ran = shell(f"ulimit -n {limit}; {BARE} {words(tmp_path)}", lab)
        assert ran.returncode == 3, ran.stdout + ran.stderr
        assert (
            "Too many open files" in ran.stderr
            or f"only {limit} open files are allowed and 256 are needed" in ran.stderr
        )
        assert "Traceback" not in ran.stderr
        assert "FOUND" not in ran.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -15), (signal.SIGHUP, -1), (signal.SIGINT, 1)])
def test_signals(lab: LabClient, tmp_path: Path, number: int, code: int) -> None:
    """Ctrl-C ends --watch with the last results; other signals end the process at once, with the shell's exit code."""
    with lab.fault(FOUND):
        child = interruptible(
            [sys.executable, "-m", "pytest", *words(tmp_path, "--watch 1").split()],
            env=os.environ | {"CHECKS_LAB": str(lab.state)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert child.stdout
        while "pass 1" not in (line := child.stdout.readline()):
            assert line, "it ended"
        time.sleep(0.2)
        child.send_signal(number)
        rest = child.communicate(timeout=60)[0]
    assert child.returncode == code, rest
    assert "Traceback" not in rest


def test_lab_with_a_closed_pipe(tmp_path: Path) -> None:
    listed = shell(f"{PYTHON} -m runbook_checks_lab --list | true")
    assert listed.returncode == 0
    assert listed.stderr == "lab: cannot write to standard output: Broken pipe\n"
    assert shell(f"{PYTHON} -m runbook_checks_lab --list >&-").returncode == 0
    (tmp_path / "link").symlink_to("state.json")
    refused = shell(f"{PYTHON} -m runbook_checks_lab --system sales-ai --state {tmp_path / 'link'}")
    assert (refused.returncode, refused.stderr) == (3, f"lab: --state {tmp_path / 'link'} is not a regular file\n")
    assert (tmp_path / "link").is_symlink()
