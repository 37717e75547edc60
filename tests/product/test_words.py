"""A secret that equals a word of ours changes free text and nothing else: no outcome, root, key, id or exit code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from tests.harness import SYSTEM, LabClient
from tests.product.test_exit_codes import altered

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Ran

WORDS = [
    # Names of the files and what begins with one: systems, symptoms, causes, areas, the environment, a checklist.
    *(SYSTEM, f"{SYSTEM}123", "AI Customer Service", "database", "webhook", "health", "postgres", "backup.stale"),
    *("database.unreachable", "connection-refused", "labour-day", "release-1.2", "runbook-checks", "cs_messages"),
    # Words of the documents, and of pytest's lines.
    *("unknown", "skipped", "severity", "outcome", "results", "passed", "symptom", "findings", "subject", "evidence"),
    *("explained_by", "exit_code", "attempts", "resource", "reason", "schema", "critical", "broken", "feature"),
    *("unreadable", "resolver", "silent", "environment", "FAILED", "FAILURES", "collected", "session", "warnings"),
    # Node ids, addresses, dates, numbers, syntax, marks and colours.
    *("checks/", "checks/database.py::check_database_answers", "check_backup", "127.0.0.1", "http://127", "2026-11"),
    *("443443", "300.0", '": null', '": [', "\\n\\n  -", "[redacted]", "redacted", "edacte", "[31m[1m", "[redacted][red"),
    # One inside the other, one that overlaps another.
    *("refuse", "connection-refused-by", "is refused"),
]  # fmt: skip
MARKED = re.compile(r"\[redacted[^\]]*\]")
FAULTS = ("database.unreachable:connection-refused", "backup.stale:none")
NEVER_EQUAL = {"id", "started", "duration_s", "uuid", "start", "stop", "source"}


def plain(number: int, word: str) -> str:
    """A secret of the same length that equals no word."""
    return f"q{number:02d}zZ" + "Zq" * len(word)


def environment(folder: Path) -> str:
    headers = ", ".join(f"X-Word-{number}: {{env: WORD_{number}}}" for number in range(len(WORDS)))
    return altered(
        folder,
        ("name: lab\n", "name: labour-day\n"),
        ("    resolver:", f"    headers: {{{headers}}}\n    checklists: {{release-1.2: {{items: "
         "[{item: The database answers, symptoms: [database.unreachable]}, {item: All is said, attested: true}]}}\n"
         "    resolver:"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> str:
    return environment(tmp_path_factory.mktemp("words"))


def variables(*, are_words: bool) -> dict[str, str]:
    return {f"WORD_{n}": word if are_words else plain(n, word) for n, word in enumerate(WORDS)}


def skeleton(ran: Ran) -> dict[str, Any]:
    """All of a run's files but free text, times and names made at random."""
    assert ran.folder is not None, ran.output()
    assert ran.code in (0, 1, 10), ran.output()[-3000:]
    assert (ran.folder / "results.json").is_file(), ran.output()[-3000:]
    found = {"code": ran.code, "document": _bare(ran.document), "junit": _junit(ran.folder / "junit.xml")}
    found["allure"] = sorted((_allure(result) for result in ran.allure()), key=lambda each: each["fullName"])
    for name in ("environment.properties",):
        found[name] = re.sub(r"run = .*", "", (ran.folder / "allure" / name).read_text())
    return found


def different(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two skeletons differ, for a failure that can be read."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [line for key in one for line in different(one[key], other[key], f"{place}.{key}")]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return [
            line for n, pair in enumerate(zip(one, other, strict=True)) for line in different(*pair, f"{place}.{n}")
        ]
    return [] if one == other else [f"{place}: {one!r} is not {other!r}"]


def _bare(value: Any, key: str = "") -> Any:
    if key == "evidence":
        return {name: "..." if isinstance(entry, str) else entry for name, entry in value.items()}
    if isinstance(value, dict):
        return {name: _bare(entry, name) for name, entry in value.items() if name not in NEVER_EQUAL}
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
    steps = [step["status"] for step in result.get("steps", ())]
    head = result.get("statusDetails", {}).get("message", "").partition(":")[0]
    return kept | {"labels": labels, "steps": steps, "head": head}


@pytest.mark.parametrize(
    "how", [("-v", "-rA"), ("-n", "2"), ("--checklist", "release-1.2")], ids=["alone", "spread", "list"]
)
def test_files_are_equal_but_for_free_text(lab: LabClient, env: str, how: tuple[str, ...]) -> None:
    with lab.fault(*FAULTS), lab.blind("log-file-missing"):
        words = lab.check(*how, env=env, variables=variables(are_words=True))
        other = lab.check(*how, env=env, variables=variables(are_words=False))
    lines = different(skeleton(words), skeleton(other))
    assert not lines, "\n".join(lines)
