"""Every check ends within its deadline, and one that hangs delays no other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.harness import Ran, run

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import os, socket, threading, time
from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.backups import Backups
"""
ENVIRONMENT = """
name: e
tier: staging
systems:
  ai-customer-service:
    deadline_s: {deadline}
    backups: {{folder: .}}
"""


def run_checks(folder: Path, source: str, *arguments: str, deadline: float = 1.0) -> Ran:
    """Run a test's own checks, in a folder outside the project."""
    (folder / "checks").mkdir()
    (folder / "checks" / "own.py").write_text(HEAD + source)
    env = folder / "e.yaml"
    env.write_text(ENVIRONMENT.format(deadline=deadline))
    words = ("-m", "runbook_checks.cli.main")
    own = ("-o", "python_files=*.py", *arguments, str(folder / "checks"))
    return run("--env", str(env), *own, out=folder / "out", timeout_s=60, words=words)


def check(body: str, name: str = "own") -> str:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f'\n@symptom("backup.stale")\ndef check_{name}(backups: Backups) -> None:\n    """Why."""\n{lines}\n'


def only(ran: Ran) -> dict[str, object]:
    [result] = ran.document["results"]
    return dict(result)


def test_check_that_never_returns_times_out(tmp_path: Path) -> None:
    begun = time.monotonic()
    ran = run_checks(tmp_path, check("while True: time.sleep(60)"))
    assert time.monotonic() - begun < 10
    result = only(ran)
    assert result["outcome"] == "unknown"
    assert "timed out after 1 s" in str(result["reason"])
    assert ran.code == 10


def test_hanging_checks_delay_no_other(tmp_path: Path) -> None:
    hung = "".join(check("threading.Event().wait()", f"hangs_{n}") for n in range(40))
    ran = run_checks(tmp_path, hung + check("pass", "is_well"))
    outcomes = {r["check"].rpartition("check_")[2].partition("[")[0]: r["outcome"] for r in ran.document["results"]}
    assert outcomes.pop("is_well") == "clear"
    assert set(outcomes.values()) == {"unknown"}
    assert ran.duration_s < 12, "40 hanging checks, 24 at once: two rounds of 1.5 s"


def test_checks_wait_together(tmp_path: Path) -> None:
    waiting = "".join(check("time.sleep(0.5)", f"waits_{n}") for n in range(20))
    ran = run_checks(tmp_path, waiting, deadline=10)
    assert ran.document["counts"]["clear"] == 20
    assert ran.document["run"]["duration_s"] < 5, "one after another would take 10 s"


def test_serial_runs_one_at_a_time(tmp_path: Path) -> None:
    body = "global now\nnow = globals().get('now', 0) + 1\nassert_one = now\ntime.sleep(0.05)\n"
    body += "if now != assert_one: raise Found('none', seen=f'{now} at once', wanted='1')"
    source = "now = 0\n" + "".join(check(body, f"alone_{n}") for n in range(6))
    assert run_checks(tmp_path, source, "--serial", deadline=10).document["counts"]["clear"] == 6


def test_check_marked_alone_runs_alone(tmp_path: Path) -> None:
    beside = "global running\nrunning += 1\ntime.sleep(0.2)\nrunning -= 1"
    alone = "if running: raise Found('none', seen=f'{running} beside it', wanted='none')"
    source = "running = 0\n" + check(alone, "burst").replace('stale")', 'stale", alone=True)')
    source += "".join(check(beside, f"beside_{n}") for n in range(8))
    ran = run_checks(tmp_path, source, deadline=10)
    assert ran.document["counts"]["clear"] == 9, ran.output()


def test_error_in_a_check_is_unknown_and_names_the_line(tmp_path: Path) -> None:
    result = only(ran := run_checks(tmp_path, check("{}['missing']")))
    assert result["outcome"] == "unknown"
    assert "the check itself failed: KeyError: 'missing'" in str(result["reason"])
    assert "Traceback" not in ran.output()


def test_plain_assertion_in_a_check_is_not_a_finding(tmp_path: Path) -> None:
    """Only Found reports the symptom; a failing assertion is a mistake in the check."""
    assert only(run_checks(tmp_path, check("assert 1 == 2")))["outcome"] == "unknown"


def test_system_exit_and_interrupts_in_a_check_do_not_end_the_run(tmp_path: Path) -> None:
    ran = run_checks(tmp_path, check("raise SystemExit(0)", "leaves") + check("pass", "stays"))
    assert ran.code == 10, ran.output()
    assert ran.document["counts"]["clear"] == 1


def test_findings_on_many_subjects_are_all_reported(tmp_path: Path) -> None:
    body = "Found.all(Found('none', seen=f'{n}', wanted='x', subject=f's{n}') for n in range(50))"
    ran = run_checks(tmp_path, check(body))
    findings = only(ran)["findings"]
    assert isinstance(findings, list)
    assert len(findings) == 50
    assert "and 30 more root causes" in ran.stdout


def test_check_with_its_own_fixture_runs_as_in_pytest(tmp_path: Path) -> None:
    source = "import pytest\n@pytest.fixture\ndef number(): return 42\n"
    source += check("if number != 42: raise Found('none', seen=str(number), wanted='42')").replace(
        "(backups: Backups)", "(backups: Backups, number)"
    )
    assert only(run_checks(tmp_path, source))["outcome"] == "clear"
