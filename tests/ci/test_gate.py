"""The gate stops, pauses and passes correctly, and writes the files that a pipeline shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.harness import PROJECT, SYSTEM, LabClient, describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATE = PROJECT / "ci" / "gate"
BACKUP = "backup.stale:none"


def known(folder: Path, **entry: str) -> str:
    path = folder / "known.yaml"
    path.write_text(json.dumps({"acknowledged": [{"reason": "the backup host moves", "by": "lee"} | entry]}))
    return str(path)


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@contextmanager
def repaired_during_the_run(lab: LabClient, fault: str) -> Iterator[None]:
    """Break the lab now, and repair it two seconds after the run's first checks."""

    def repair() -> None:
        end = time.monotonic() + 30
        while not lab.ask("GET", "requests") and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(2)
        lab.ask("DELETE", "faults", {"fault": fault})

    with lab.fault(fault):
        lab.ask("DELETE", "requests")
        repairing = threading.Thread(target=repair)
        repairing.start()
        yield
        repairing.join()


def test_acknowledged_finding_is_reported_but_not_counted(lab: LabClient, tmp_path: Path) -> None:
    with lab.fault(BACKUP):
        ran = lab.check("-m", "backup or health", "--known", known(tmp_path, symptom="backup.*", until=in_days(1)))
        other = lab.check("-m", "backup", "--known", known(tmp_path, symptom="backup.*", cause="old", until=in_days(1)))
    assert ran.code == 0, describe(ran)
    [finding] = ran.results["backup.stale"]["findings"]
    assert "the backup host moves" in finding["not_counted"]
    assert "by lee" in finding["not_counted"]
    assert "excluded" in ran.stdout
    assert other.code == 1, "another cause is a new finding"


def test_finding_with_an_expired_acknowledgement_counts(lab: LabClient, tmp_path: Path) -> None:
    with lab.fault(BACKUP):
        ran = lab.check("-m", "backup", "--known", known(tmp_path, symptom="backup.stale", until=in_days(-0.01)))
    assert ran.code == 1
    assert "counts again" in ran.stdout


def test_known_file_of_the_environment_is_read_and_mistakes_are_reported(lab: LabClient, tmp_path: Path) -> None:
    environment = tmp_path / "staging.yaml"
    environment.write_text((PROJECT / "environments" / "lab.yaml").read_text())
    (tmp_path / "known").mkdir()
    known(tmp_path / "known", symptom="backup.stale", until=in_days(1))
    (tmp_path / "known" / "known.yaml").rename(tmp_path / "known" / "staging.yaml")
    words = ("-m", "backup or health", "--system", SYSTEM)
    with lab.fault(BACKUP):
        assert lab.check(*words, env=str(environment)).code == 0
        (tmp_path / "known" / "staging.yaml").write_text("acknowledged:\n  - {symptom: a.b, reason: x, untill: y}\n")
        wrong = lab.check(*words, env=str(environment))
    assert wrong.code == 4
    assert "did you mean 'until'?" in wrong.stderr
    assert "(line 2)" in wrong.stderr


def test_baseline_counts_only_new_findings(lab: LabClient, tmp_path: Path) -> None:
    before = str(tmp_path / "before.json")
    with lab.fault(BACKUP):
        assert lab.check("-m", "backup or health", "--results", before).code == 1
        same = lab.check("-m", "backup or health", "--baseline", before)
        with lab.fault("health.slow:slow-server"):
            worse = lab.check("-m", "backup or health", "--baseline", before)
    better = lab.check("-m", "backup or health", "--baseline", before)
    with lab.fault("backup.stale:too-old"):
        otherwise = lab.check("-m", "backup or health", "--baseline", before)
    assert (same.code, worse.code, better.code, otherwise.code) == (0, 1, 0, 1), describe(same) + describe(worse)
    assert same.results["backup.stale"]["findings"][0]["not_counted"] == "already in the baseline"
    assert "was found in the baseline" in better.stdout
    assert same.document["run"]["baseline"] == json.loads((tmp_path / "before.json").read_text())["run"]["id"]


def test_unknown_in_the_baseline_does_not_pass(lab: LabClient, tmp_path: Path) -> None:
    before = str(tmp_path / "before.json")
    with lab.outage("backup-folder-missing"):
        lab.check("-m", "backup or health", "--results", before)
        assert lab.check("-m", "backup or health", "--baseline", before).code == 10


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("{}", "is not a results document"),
        ('{"schema": 1, "run": {"environment": "other"}, "results": []}', "is a run of other"),
    ],
)
def test_wrong_baseline_is_refused(lab: LabClient, tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "b.json").write_text(content)
    ran = lab.check("-m", "backup", "--baseline", str(tmp_path / "b.json"))
    assert ran.code == 4
    assert sentence in ran.stderr


def test_settling_waits_for_findings_to_disappear(lab: LabClient) -> None:
    with repaired_during_the_run(lab, "health.not-ready:component-down"):
        ran = lab.check("-m", "health", "--settle", "30")
    assert ran.code == 0, describe(ran)
    assert 1 < ran.document["run"]["settled_s"] < 15
    assert "health.not-ready" in ran.stdout
    assert "cleared after" in ran.stdout
    schema = json.loads((PROJECT / "reports" / "results.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(ran.document)


def test_settling_counts_findings_that_remain(lab: LabClient) -> None:
    with lab.fault(BACKUP):
        begun = time.monotonic()
        ran = lab.check("-m", "backup", "--settle", "3")
    assert ran.code == 1
    assert time.monotonic() - begun < 10
    assert ran.document["run"]["settled_s"] is None
    assert "not settled within 3 s" in ran.stdout


def test_healthy_system_settles_at_once(lab: LabClient) -> None:
    ran = lab.check("-m", "health", "--settle", "60")
    assert (ran.code, ran.document["run"]["settled_s"]) == (0, 0.0)


def test_watching_ends_when_all_is_clear_and_prints_the_time(lab: LabClient) -> None:
    with repaired_during_the_run(lab, "health.not-ready:component-down"):
        ran = lab.check("-m", "health", "--watch", "1")
    assert ran.code == 0, describe(ran)
    looks = [line for line in ran.stdout.splitlines() if " pass " in line]
    assert "P0 health.not-ready" in looks[0]
    assert looks[-1].endswith("all clear")
    assert "cleared after" in ran.stdout


def test_other_instance_replaces_that_of_the_environment(lab: LabClient) -> None:
    ran = lab.check("-m", "health", "--base-url", "http://127.0.0.1:9")
    assert ran.code == 1
    assert ran.results["health.unreachable"]["findings"][0]["evidence"]["port"] == 9
    for wrong in ("elsewhere", "no-such-system=http://127.0.0.1:9"):
        assert lab.check("-m", "health", "--base-url", wrong).code == 4


def test_paste_prints_nothing_else(lab: LabClient) -> None:
    with lab.fault("webhook.signature-rejected:secret-mismatch"):
        ran = lab.check("-m", "webhook", "--paste")
    lines = ran.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("```", "```")
    assert lines[2].startswith(f"P0 webhook.signature-rejected [{SYSTEM}]: secret-mismatch")
    assert len(lines) < 12
    assert lab.variables["LAB_CS_WEBHOOK_SECRET"] not in ran.stdout


def gate(
    lab: LabClient, out: Path, *words: str, entry: Path = GATE, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CHECKS_", "PYTEST_"))}
    environment |= lab.variables | {"CHECKS_LAB": str(lab.state), "GATE_OUT": str(out)} | (variables or {})
    command = [str(entry), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=out.parent)


def test_shell_entry_writes_what_a_pipeline_publishes(lab: LabClient, tmp_path: Path) -> None:
    page, output = tmp_path / "page.md", tmp_path / "output"
    files = {"GITHUB_STEP_SUMMARY": str(page), "GITHUB_OUTPUT": str(output)}
    out = tmp_path / "gate"
    with lab.fault("health.not-ready:component-down"):
        done = gate(lab, out, "postdeploy", "lab", "--system", SYSTEM, "-m", "health", variables=files)
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads((out / "results.json").read_text())["run"]["exit_code"] == 1
    assert ElementTree.parse(out / "junit.xml").getroot().find("testsuite") is not None  # noqa: S314 - our own file
    assert list((out / "allure").glob("*-result.json"))
    assert "environment = lab" in (out / "allure" / "environment.properties").read_text()
    assert (out / "allure" / "categories.json").exists()
    if shutil.which("node") and (PROJECT / ".toolbox" / "allure").exists():
        assert (out / "report" / "index.html").exists()
    assert page.read_text() == (out / "summary.md").read_text()
    assert "health.not-ready" in page.read_text()
    assert "**remedy**" in page.read_text()
    assert output.read_text() == "verdict=stop\n"


def test_shell_entry_pauses_on_unknown(lab: LabClient, tmp_path: Path) -> None:
    output = tmp_path / "output"
    with lab.outage("backup-folder-missing"):
        words = ("predeploy", "lab", "--system", SYSTEM, "-m", "backup or health", "--gate", "P2")
        done = gate(lab, tmp_path / "gate", *words, variables={"GITHUB_OUTPUT": str(output)})
    assert done.returncode == 10, done.stdout
    assert output.read_text() == "verdict=pause\n"


@pytest.mark.parametrize("words", [[], ["predeploy"], ["deploy", "lab"]])
def test_shell_entry_prints_its_usage(lab: LabClient, tmp_path: Path, words: list[str]) -> None:
    done = gate(lab, tmp_path / "gate", *words)
    assert done.returncode == 4
    assert "usage: runbook-checks gate" in done.stderr


def test_two_instances_are_compared(lab: LabClient, tmp_path: Path) -> None:
    """An instance is not worse than itself, even with a missing backup; one that is down is worse."""
    here = lab.variables["LAB_CS_URL"]
    words = ["--system", SYSTEM, "-m", "health or backup", "--gate", "P3"]
    compare = PROJECT / "ci" / "compare"
    with lab.fault(BACKUP):
        same = gate(lab, tmp_path / "same", "lab", here, here, *words, entry=compare)
        down = gate(lab, tmp_path / "down", "lab", here, "http://127.0.0.1:9", *words, entry=compare)
    assert same.returncode == 0, same.stdout
    assert down.returncode == 1, down.stdout
    assert "already in the baseline" in (tmp_path / "same" / "new" / "summary.md").read_text()


def test_summary_escapes_markup_from_a_far_end(lab: LabClient) -> None:
    with lab.fault("migration.column-drift:wrong-type"):
        ran = lab.check("-m", "migration")
    assert ran.folder is not None
    seen = ran.results["migration.column-drift"]["findings"][0]["seen"]
    assert re.search(r"[_*<]", seen), "choose a fault whose message has Markdown characters"
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in seen)
    assert f"- **seen** {escaped}" in (ran.folder / "summary.md").read_text().splitlines()
