"""Run the product against hostile far ends, and assert what must hold for every run."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from tests.harness import PROJECT, SYSTEM, Ran, run

if TYPE_CHECKING:
    from collections.abc import Mapping

Settings = dict[str, Any]
Results = dict[str, dict[str, Any]]

SECRET = "planted-webhook-secret-0123456789"
TOKEN = "planted-gateway-token-0123456789"
PASSWORD = "planted-database-password-0123456789"

# Timeouts for far ends that misbehave at once, and how late a check may end on a busy machine.
TIMEOUT_S = 3.0
DEADLINE_S = 8.0
LATE_S = 5.0
MOST_S = 90.0  # for a whole run: a hang takes longer, and start-up is slow on a busy machine
MAX_RSS_KIB = 300 << 10
MAX_SENTENCE = 700
# C0 and C1 except line feeds, bidirectional marks, line and paragraph separators, and bytes that were not UTF-8.
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class Run(Ran):
    """A run with its peak memory."""

    max_rss_kib: int

    def of(self, system: str) -> Results:
        """Return the results of one system by symptom."""
        return {result["symptom"]: result for result in self.document["results"] if result["system"] == system}


def http(url: str, *, timeout_s: float = TIMEOUT_S, **more: Any) -> Settings:
    """Return a system with all HTTP checks, and a gateway token in each request."""
    return {
        "deadline_s": DEADLINE_S,
        "http": {"base_url": url, "timeout_s": timeout_s},
        "webhook": {"secret": {"env": "PLANTED_SECRET"}},
        "openapi": {},
        "headers": {"X-Gateway-Token": {"env": "PLANTED_TOKEN"}},
    } | more


def postgres(number: int, **more: Any) -> Settings:
    """Return a system whose database's DSN is PLANTED_DSN_<number>."""
    limits = {"connect_timeout_s": 1.0, "statement_timeout_s": 1.0}
    return {"deadline_s": DEADLINE_S, "postgres": {"dsn": {"env": f"PLANTED_DSN_{number}"}, **limits}} | more


def dsn(host: str, port: int, *, user: str = "cs_monitor", database: str = "ai_customer_service") -> str:
    return f"postgresql://{user}:{PASSWORD}@{host}:{port}/{database}"


def environment_file(folder: Path, systems: Mapping[str, Settings], *, effects: str = "write") -> Path:
    """Write an environment file (JSON is YAML). Systems with other names use AI Customer Service's runbook."""
    folder.mkdir(parents=True, exist_ok=True)
    if set(systems) - {SYSTEM}:
        shutil.copy(PROJECT / "runbooks" / f"{SYSTEM}.yaml", folder / "runbook.yaml")
    whole = {name: rest if name == SYSTEM else {"runbook": "runbook.yaml"} | rest for name, rest in systems.items()}
    file = folder / "hostile.yaml"
    file.write_text(json.dumps({"name": "hostile", "tier": "production", "effects": effects, "systems": whole}))
    return file


def check(
    folder: Path,
    systems: Mapping[str, Settings],
    *arguments: str,
    dsns: tuple[str, ...] = (),
    effects: str = "write",
    largest_file: int = 0,
    **options: Any,
) -> Run:
    """Run the product on an environment file with these systems."""
    file = environment_file(folder, systems, effects=effects)
    planted = {"PLANTED_SECRET": SECRET, "PLANTED_TOKEN": TOKEN} | {f"PLANTED_DSN_{n}": d for n, d in enumerate(dsns)}
    weight = folder / "max-rss"
    options["variables"] = planted | options.pop("variables", {})
    options.setdefault("out", folder / "out")
    options.setdefault("timeout_s", 120)
    words = ("-m", "tests.hostile.peak_memory", str(weight), str(largest_file), "-m", "pytest")
    ran = run("--env", str(file), *arguments, words=words, **options)
    return Run(**vars(ran), max_rss_kib=int(weight.read_text()))


def must_be_orderly(
    ran: Run, *, deadline_s: float = DEADLINE_S, at_most_s: float = MOST_S, max_rss_kib: int = MAX_RSS_KIB
) -> None:
    """Assert what holds for every run: it ends in time, its messages are plain text, and its documents are valid."""
    said = ran.output()
    assert ran.code in (0, 1, 5, 10), said
    assert "Traceback" not in said, said
    assert "INTERNALERROR" not in said, said
    assert not RAW.search(said), f"{RAW.findall(said)[:5]} in {said!r}"
    assert ran.duration_s < at_most_s, f"{ran.duration_s:.1f} s\n{said}"
    assert ran.max_rss_kib < max_rss_kib, f"{ran.max_rss_kib >> 10} MiB\n{said}"
    for secret in (SECRET, TOKEN, PASSWORD):
        assert secret not in said
    must_be_readable(ran)
    for result in ran.document["results"]:
        _must_be_plain(result, deadline_s)


def must_be_readable(ran: Ran) -> None:
    """Assert that every file of a run has the format of its name."""
    assert ran.folder is not None, ran.output()
    document = json.loads((ran.folder / "results.json").read_bytes().decode("utf-8"), parse_constant=_refuse)
    assert document["run"]["exit_code"] == ran.code
    ElementTree.parse(ran.folder / "junit.xml")  # noqa: S314 - our own file
    for file in (ran.folder / "allure").glob("*.json"):
        json.loads(file.read_bytes().decode("utf-8"), parse_constant=_refuse)
    whole = sum(file.stat().st_size for file in ran.folder.rglob("*") if file.is_file())
    assert whole < 20 << 20, f"the run's folder holds {whole >> 20} MiB"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _must_be_plain(result: dict[str, Any], deadline_s: float) -> None:
    reported = [result["reason"]] if result["outcome"] in ("unknown", "skipped") else []
    reported += [finding[name] for finding in result["findings"] for name in ("seen", "wanted", "because")]
    reported += [finding["subject"] for finding in result["findings"] if finding["subject"]]
    for sentence in reported:
        assert sentence, result
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", sentence), result
        assert len(sentence) <= MAX_SENTENCE, f"{len(sentence)} characters: {sentence[:200]}"
        assert "the check itself failed" not in sentence, sentence
    if result["outcome"] == "unknown":
        assert result["resource"], result
    assert result["duration_s"] < deadline_s + LATE_S, result


def describe(results: Results) -> str:
    """Return the message of a failing test."""
    lines = []
    for name, result in results.items():
        lines.append(f"{result['outcome']:8} {name}  {result['reason'] or ''}")
        lines += [f"         {finding['cause']}: {finding['seen'][:200]}" for finding in result["findings"]]
    return "\n".join(lines)


def outcomes(results: Results) -> dict[str, str]:
    """Return outcomes by symptom; a found one with its causes, as `found:cause`."""
    return {
        name: ":".join([result["outcome"], *sorted({str(f["cause"]) for f in result["findings"]})])
        for name, result in results.items()
    }
