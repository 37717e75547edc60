"""A secret that equals a word of the product changes free text only: no outcome, root, key, id or exit code."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.harness import PROJECT, SYSTEM, LabClient, run
from tests.monitor.receivers import Receivers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Ran

WORDS = [
    # Names in the files and their beginnings: systems, symptoms, causes, areas, the environment, a checklist.
    *(SYSTEM, f"{SYSTEM}123", "AI Customer Service", "database", "webhook", "health", "postgres", "backup.stale"),
    *("database.unreachable", "connection-refused", "labour-day", "release-1.2", "runbook-checks", "cs_messages"),
    # Words in the documents, and in pytest's lines.
    *("unknown", "skipped", "severity", "outcome", "results", "passed", "symptom", "findings", "subject", "evidence"),
    *("explained_by", "exit_code", "attempts", "resource", "reason", "schema", "critical", "broken", "feature"),
    *("unreadable", "resolver", "silent", "environment", "FAILED", "FAILURES", "collected", "session", "warnings"),
    # Node ids, addresses, dates, numbers, syntax, marks and colours.
    *("checks/", "checks/database.py::check_database_answers", "check_backup", "127.0.0.1", "http://127", "2026-11"),
    *("443443", "300.0", '": null', '": [', "\\n\\n  -", "[redacted]", "redacted", "edacte", "[31m[1m", "[31m-FOUND"),
    # Words that connect an error in the log with the missing database: one within the other, one overlapping another.
    *("prisma", "refuse", "connection-refused-by", "is refused", "[redacted][red", "harmless noise"),
    # Names from a far end: even if one is a secret, they stay distinct.
    *("tenant-acme", "tenant-zeta"),
]  # fmt: skip
FAULTS = ("database.unreachable:connection-refused", "backup.stale:none")
MARK = {word: f"[redacted:header-X-Word-{number}]" for number, word in enumerate(WORDS)}
LOGGED = (
    "prisma gave up",
    "all of it is harmless noise",
    "tenant-acme is over its limit",
    "tenant-zeta is over its limit",
)
CHECKLIST = [
    {"item": "The database answers", "symptoms": ["database.unreachable"]},
    {"item": "All is said", "attested": True},
]
# A check crashes, warns and logs, each time with every secret.
CRASHING = """
import logging, os, warnings
from runbook_checks.handles import backups

def crash(self, *_, **__):
    self.bound.headers  # from here on they are known
    said = " and ".join(value for name, value in sorted(os.environ.items()) if name.startswith("WORD_"))
    warnings.warn(said)
    logging.getLogger("words").error(said)
    raise RuntimeError(said)

backups.Backups.listed = crash
"""


def plain(number: int, word: str) -> str:
    """Return a secret in place of one that is a word."""
    return f"q{number:02d}zZ" + "Zq" * len(word)


def variables(*, are_words: bool) -> dict[str, str]:
    return {f"WORD_{n}": word if are_words else plain(n, word) for n, word in enumerate(WORDS)}


def environment(folder: Path, **different: Any) -> str:
    """Write the lab's file with one system, and every word as a secret."""
    document = yaml.safe_load((PROJECT / "environments" / "lab.yaml").read_text()) | {"name": "labour-day"} | different
    system = document["systems"][SYSTEM]
    system["headers"] = {f"X-Word-{number}": {"env": f"WORD_{number}"} for number in range(len(WORDS))}
    system["checklists"] = {"release-1.2": {"items": CHECKLIST}}
    system["logs"] = {"file": str(folder / "words.log"), "limit": 1, "ignore": ["harmless noise"]}
    path = folder / "words.yaml"
    path.write_text(yaml.safe_dump(document | {"systems": {SYSTEM: system}}, sort_keys=False))
    now = datetime.now(UTC).isoformat()
    (folder / "words.log").write_text("".join(f"{now} ERROR {message}\n" for message in LOGGED for _ in range(3)))
    return str(path)


class Runs:
    """The same run with words as secrets and with other secrets, on a lab with found, unknown and clear results."""

    def __init__(self, lab: LabClient, folder: Path) -> None:
        env = environment(folder, effects="refused")

        def ran(*words: str, are_words: bool) -> Ran:
            return lab.check("-m", "not contract", *words, env=env, variables=variables(are_words=are_words))

        loud = ("-v", "-rA", "--color=yes", "--metrics", str(folder / "metrics"))
        with lab.fault(*FAULTS):
            self.other, self.words = ran(*loud, are_words=False), ran(*loud, are_words=True)
            self.metrics = (folder / "metrics").read_text()
            self.spread = ran("-n", "2", are_words=True)
            assert self.words.folder is not None, self.words.output()
            short = ("--checklist", "release-1.2", "--paste", "--baseline", str(self.words.folder / "results.json"))
            self.other_list, self.list = ran(*short, are_words=False), ran(*short, are_words=True)


@pytest.fixture(scope="module")
def runs(lab: LabClient, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(lab, tmp_path_factory.mktemp("words"))


def skeleton(ran: Ran) -> dict[str, Any]:
    """Return all of a run's files except free text, times and random names."""
    assert ran.code in (0, 1, 10), ran.output()[-3000:]
    assert ran.folder is not None
    found = {"code": ran.code, "document": _bare(ran.document), "junit": _junit(ran.folder / "junit.xml")}
    found["allure"] = sorted(
        (_allure(result) for result in ran.allure()), key=lambda each: (each["fullName"], each["historyId"])
    )
    properties = (ran.folder / "allure" / "environment.properties").read_text()
    return dict(_as_marked(found | {"properties": re.sub(r"run = .*", "", properties)}))


def _bare(value: Any, key: str = "") -> Any:
    if key == "evidence":
        return {name: "..." if isinstance(entry, str) else entry for name, entry in value.items()}
    if isinstance(value, dict):
        times = ("id", "started", "duration_s", "baseline")
        return {name: _bare(entry, name) for name, entry in value.items() if name not in times}
    if key in ("candidates", "ruled_out"):
        return [entry["what"] for entry in value]
    if isinstance(value, list):
        return [_bare(entry, key) for entry in value]
    return "..." if key in ("seen", "wanted", "because", "remedy", "reason") and value else value


def _junit(path: Path) -> list[tuple[str, ...]]:
    cases = ElementTree.parse(path).getroot().iter("testcase")  # noqa: S314 - our own file
    return sorted((case.attrib["classname"], case.attrib["name"], *(part.tag for part in case)) for case in cases)


def _allure(result: dict[str, Any]) -> dict[str, Any]:
    kept = {name: result.get(name) for name in ("name", "fullName", "historyId", "testCaseId", "status", "parameters")}
    labels = sorted((e["name"], e["value"]) for e in result["labels"] if e["name"] not in ("host", "thread"))
    steps = [(step["status"], len(step.get("attachments", ()))) for step in result.get("steps", ())]
    head = result.get("statusDetails", {}).get("message", "").partition(":")[0]
    names = [each["name"] for each in result.get("attachments", ())]
    return kept | {"labels": labels, "steps": steps, "head": head, "attachments": names}


def _as_marked(value: Any) -> Any:
    """Return names from a far end as they are shown when they are secrets."""
    if isinstance(value, dict):
        return {key: _as_marked(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_as_marked(entry) for entry in value]
    for word in ("tenant-acme", "tenant-zeta"):
        value = value.replace(word, MARK[word]) if isinstance(value, str) else value
    return value


def different(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Yield the differences between two skeletons, as a readable failure."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from different(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from different(*pair, f"{place}.{number}")
    elif one != other:
        yield f"{place}: {one!r} is not {other!r}"


@pytest.mark.parametrize("pair", [("words", "other"), ("spread", "other"), ("list", "other_list")], ids="/".join)
def test_files_are_equal_except_free_text(runs: Runs, pair: tuple[str, str]) -> None:
    words, other = (skeleton(getattr(runs, name)) for name in pair)
    lines = list(different(words, other))
    assert not lines, "\n".join(lines)


def test_run_has_all_outcomes_and_explanations(runs: Runs) -> None:
    document = runs.words.document
    assert all(document["counts"].values()), document["counts"]
    [prisma, *tenants] = sorted(runs.words.results["logs.errors"]["findings"], key=lambda f: f["explained_by"] or "~")
    assert prisma["explained_by"] == f"database.unreachable[{SYSTEM}]"
    assert {f["subject"] for f in tenants} == {f"{MARK[f'tenant-{t}']} is over its limit" for t in ("acme", "zeta")}
    assert "tenant-" not in json.dumps(document) + runs.words.output()
    assert {f["not_counted"] for r in runs.list.document["results"] for f in r["findings"]} == {
        "already in the baseline"
    }


def test_free_text_is_redacted_where_it_equals_a_word(runs: Runs) -> None:
    [finding] = runs.words.results["database.unreachable"]["findings"]
    assert finding["seen"].endswith(" [redacted]d the [redacted]"), "it refused the connection"


def test_terminal_keeps_names_and_lines_of_pytest(runs: Runs) -> None:
    words, other = (_own_lines(ran.stdout) for ran in (runs.words, runs.other))
    assert len(words) > 60
    assert words == other
    assert "\x1b[31m" in runs.words.stdout


def _own_lines(stdout: str) -> list[str]:
    """Return everything except free text: its fields, their wrapped lines, and notes."""
    per_run = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}|\d+\.\d\ds|xml file: \S+|reports: \S+|(?<=py: )needs effects.*")
    lines = (per_run.sub("#", _as_marked(line)) for line in stdout.splitlines())
    fields = ("seen", "because", "remedy", "wanted", " " * 8)
    return [line for line in lines if not line.startswith((*(f"   {name}" for name in fields), "note: ", "    "))]


def test_metrics_keep_their_labels(runs: Runs) -> None:
    root = f'symptom="database.unreachable",system="{SYSTEM}"}} 1.0'
    [line] = [line for line in runs.metrics.splitlines() if line.startswith("runbook_checks_root") and root in line]
    assert 'cause="connection-refused",environment="labour-day",severity="P0"' in line


def test_pasted_lines_keep_their_names(runs: Runs) -> None:
    heads = [[line for line in ran.stdout.splitlines() if line[:1] == "P"] for ran in (runs.list, runs.other_list)]
    assert heads[0] == heads[1] == [f"P0 database.unreachable [{SYSTEM}]: connection-refused"]


@pytest.mark.parametrize("are_words", [True, False], ids=["words", "others"])
def test_crash_with_every_secret_does_not_end_the_run(lab: LabClient, tmp_path: Path, *, are_words: bool) -> None:
    """Secrets that are not words are never shown; in worker processes, the controller does not know them."""
    env, secrets = environment(tmp_path), variables(are_words=are_words)
    (tmp_path / "crashing.py").write_text(CRASHING)
    how = ("--log-cli-level=ERROR", "-rA") if are_words else ("-n", "2")
    more = ("-p", "crashing", "-m", "backup or sop", f"--log-file={tmp_path / 'out.log'}", *how)
    # A path argument outside the project makes a run that ignores PYTHONPATH.
    secrets_and_path = {"CHECKS_LAB": str(lab.state), "PYTHONPATH": str(tmp_path), **secrets}
    ran = run(f"--env={env}", *more, out=lab.out, variables=secrets_and_path)
    assert (ran.code, ran.document["roots"]) == (10, [f"unreadable:backup.stale[{SYSTEM}]"]), ran.output()
    assert ran.results["backup.stale"]["reason"].startswith("the check itself failed: RuntimeError: [redacted]")
    assert "UserWarning: [redacted]" in ran.stdout
    assert ran.folder is not None
    texts = {str(path): path.read_text(errors="replace") for path in ran.folder.rglob("*") if path.is_file()}
    texts |= {"output": ran.output(), "log": (tmp_path / "out.log").read_text()}
    assert are_words or [name for name, text in texts.items() for said in secrets.values() if said in text] == []


def test_monitor_keeps_names(lab: LabClient, tmp_path: Path) -> None:
    severities = {"P2": {"channels": ["chat"], "after": 1, "of": 1, "clear_after": 1}}
    monitoring = {"select": "backup or health", "channels": {"chat": {"env": "CHAT"}}, "severities": severities}
    monitoring |= {"page": str(tmp_path / "page.html"), "metrics": str(tmp_path / "metrics")}
    env = environment(tmp_path, lab=False, monitoring=monitoring)
    with Receivers() as receivers, lab.fault("backup.stale:none"):
        secrets = {**variables(are_words=True), "CHAT": receivers.address("chat")}
        done = subprocess.run(
            [str(PROJECT / "ci" / "monitor"), env, "--state", str(tmp_path / "state")],
            env={**os.environ, **lab.variables, **secrets},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert receivers.titles("chat") == [f"[labour-day] P2 backup.stale[{SYSTEM}] (none)"]
    with sqlite3.connect(tmp_path / "state" / "labour-day" / "history.sqlite3") as history:
        assert history.execute("SELECT system, symptom, subject FROM incident").fetchall() == [
            (SYSTEM, "backup.stale", "")
        ]
    assert f"backup.stale[{SYSTEM}]" in (tmp_path / "page.html").read_text()
    assert f'symptom="backup.stale",system="{SYSTEM}"' in (tmp_path / "metrics").read_text()
