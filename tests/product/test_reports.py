"""The terminal, the results document, Allure and JUnit report the same, in their documented formats."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.harness import PROJECT, SYSTEM, LabClient, describe, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Ran

STATUS = {"clear": "passed", "found": "failed", "unknown": "broken", "skipped": "skipped"}


def schema() -> object:
    return json.loads((PROJECT / "reports" / "results.schema.json").read_text())


def as_reported(ran: Ran) -> dict[str, tuple[str, str | None, list[str]]]:
    return {
        name: (r["outcome"], r["explained_by"], sorted(str(f["cause"]) for f in r["findings"]))
        for name, r in ran.results.items()
        if name != "logs.errors"  # what one run makes the service log, the next one reads
    }


def test_results_document_matches_its_schema(lab: LabClient) -> None:
    import jsonschema

    with lab.fault("database.unreachable:authentication-failed", "backup.stale:none"):
        ran = lab.check()
    jsonschema.Draft202012Validator(schema()).validate(ran.document)  # type: ignore[arg-type]
    assert ran.document["counts"]["found"] == 2, describe(ran)


def test_every_report_has_the_same_results(lab: LabClient) -> None:
    with lab.fault("webhook.signature-rejected:secret-mismatch"), lab.outage("log-file-missing"):
        ran = lab.check()
    stories = {
        next(label["value"] for label in result["labels"] if label["name"] == "story"): result["status"]
        for result in ran.allure()
    }
    assert stories == {name: STATUS[result["outcome"]] for name, result in ran.results.items()}
    assert ran.folder is not None
    suite = ElementTree.parse(ran.folder / "junit.xml").getroot().find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    counts = ran.document["counts"]
    assert int(suite.attrib["tests"]) == sum(counts.values())
    assert int(suite.attrib["failures"]) + int(suite.attrib["errors"]) == counts["found"] + counts["unknown"]
    assert f"{counts['clear']} clear, {counts['found']} found, {counts['unknown']} unknown" in ran.stdout


def test_allure_shows_the_runbook(lab: LabClient) -> None:
    with lab.fault("webhook.signature-rejected:secret-mismatch"):
        ran = lab.check()
    result = next(r for r in ran.allure() if "webhook.signature-rejected" in r["name"])
    labels = {label["name"]: label["value"] for label in result["labels"]}
    assert (labels["epic"], labels["feature"]) == ("AI Customer Service", "webhook")
    assert labels["severity"] == "blocker"
    assert "Causes and remedies" in result["description"]
    assert result["steps"], "a step for each reading"
    assert result["attachments"], "the evidence"
    assert result["statusDetails"]["message"].startswith(f"found webhook.signature-rejected[{SYSTEM}] secret-mismatch")
    assert ran.folder is not None
    categories = json.loads((ran.folder / "allure" / "categories.json").read_text())
    root = next(c for c in categories if c["name"].startswith("Root: P0 webhook.signature-rejected"))
    reported_as = [r["statusDetails"]["message"] for r in ran.allure() if r["status"] in ("failed", "broken")]
    assert reported_as
    assert all(re.match(root["messageRegex"], message) for message in reported_as), (
        "all are explained by the one root cause"
    )
    assert "environment = lab" in (ran.folder / "allure" / "environment.properties").read_text()


def test_terminal_fits_80_columns_and_needs_no_colour(lab: LabClient) -> None:
    with lab.fault("webhook.signature-rejected:secret-mismatch"):
        ran = lab.check("-m", "webhook", "-p", "no:junitxml")
    lines = ran.stdout.splitlines()
    assert "\x1b" not in ran.stdout
    long = [line for line in lines if len(line) > 80 and not line.lstrip().startswith(("reproduce", "reports:"))]
    assert long == []
    head = next(line for line in lines if line.startswith("P0 webhook.signature-rejected"))
    assert head.endswith("FOUND  secret-mismatch")
    for word in ("seen", "wanted", "because", "remedy", "reproduce", "explains"):
        assert any(line.startswith(f"   {word}") for line in lines), ran.stdout


def test_reproduce_line_reproduces(lab: LabClient) -> None:
    with lab.fault("backup.stale:none"):
        first = lab.check("-m", "backup")
        line = next(line for line in first.stdout.splitlines() if "reproduce" in line)
        node = re.search(r'"([^"]+)"', line)
        assert node
        again = lab.check(node[1])
    assert again.code == 1
    assert list(again.results) == ["backup.stale"]


def test_run_in_several_processes_has_the_same_results(lab: LabClient) -> None:
    with lab.fault("database.unreachable:connection-refused", "backup.stale:none"):
        alone, spread, serial = lab.check(), lab.check("-n", "2"), lab.check("--serial")
    assert as_reported(alone) == as_reported(spread) == as_reported(serial)
    assert alone.document["roots"] == spread.document["roots"] == serial.document["roots"]
    assert alone.code == spread.code == serial.code == 1
    assert len(spread.allure()) == len(alone.allure())


def test_crashed_worker_is_in_every_report(lab: LabClient, tmp_path: Path) -> None:
    """A check whose process dies is unknown, never missing: in the document and in Allure."""
    checks = tmp_path / "checks"
    checks.mkdir()
    (checks / "crash.py").write_text(
        "import os\n"
        "from runbook_checks import symptom\n"
        "from runbook_checks.handles.backups import Backups\n"
        '@symptom("backup.stale")\n'
        "def check_dies(backups: Backups) -> None:\n"
        "    os._exit(13)\n"
    )
    ran = lab.check(
        "-n", "1", f"--rootdir={PROJECT}", "-c", str(PROJECT / "pyproject.toml"), "-o", "python_files=*.py", str(checks)
    )
    assert ran.code == 10, ran.output()
    [result] = ran.document["results"]
    assert (result["symptom"], result["severity"], result["outcome"]) == ("backup.stale", "P2", "unknown")
    assert "crashed" in result["reason"]
    assert len(ran.allure()) == 1


def test_latest_points_to_the_newest_run(lab: LabClient) -> None:
    first, second = lab.check("-m", "backup"), lab.check("-m", "backup")
    assert first.folder != second.folder
    assert (lab.out / "latest").resolve() == second.folder


def test_only_the_oldest_runs_are_deleted(lab: LabClient, tmp_path: Path) -> None:
    for number in range(110):
        (tmp_path / f"20200101T000000-{number:06x}").mkdir()
    (tmp_path / "notes").mkdir()
    lab.check("-m", "backup", "--out", str(tmp_path))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len([name for name in left if name.startswith("20")]) == 100
    assert "20200101T000000-000000" not in left
    assert {"notes", "latest"} <= set(left)


def test_results_file_is_written_where_named(lab: LabClient, tmp_path: Path) -> None:
    ran = lab.check("-m", "backup", "--results", str(tmp_path / "deep" / "r.json"))
    assert json.loads((tmp_path / "deep" / "r.json").read_text()) == ran.document


def test_unwritable_reports_folder_does_not_stop_the_run(tmp_path: Path) -> None:
    env = tmp_path / "e.yaml"
    env.write_text("name: e\ntier: staging\nsystems: {ai-customer-service: {backups: {folder: .}}}\n")
    blocked = tmp_path / "file"
    blocked.write_text("")
    ran = run("--env", str(env), "--out", str(blocked / "below"))
    assert ran.code == 1, ran.output()
    assert "no reports folder" in ran.stdout
    assert "backup.stale" in ran.stdout
