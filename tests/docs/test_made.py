"""Generated files are up to date, and the schemas accept valid documents only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from docs import generate
from runbook_checks.config.load import read
from runbook_checks.config.yaml_file import read_yaml
from tests.harness import PROJECT, LabClient

SHIPPED = sorted(
    path
    for folder in ("environments", "environments/known", "runbooks", "runbooks/symptoms", "docs/example")
    for path in (PROJECT / folder).glob("*.yaml")
)
ENVIRONMENTS = [path for path in SHIPPED if path.parent.name == "environments" or path.name == "staging.yaml"]


def validator(path: Path) -> jsonschema.Draft202012Validator:
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def schema_of(path: Path) -> Path:
    """Return the schema that a file's first line names for editors."""
    first, _, _ = path.read_text().partition("\n")
    _, reported, schema = first.partition("# yaml-language-server: $schema=")
    assert reported, f"{path.relative_to(PROJECT)}: begin with `# yaml-language-server: $schema=...`"
    return path.parent / schema


def test_generated_files_are_up_to_date() -> None:
    stale = [path.name for path, text in generate.made().items() if not path.is_file() or path.read_text() != text]
    assert not stale, "run `python -m docs.generate`"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(PROJECT)))
def test_shipped_files_match_the_schema_they_name(path: Path) -> None:
    validator(schema_of(path)).validate(read_yaml(path).plain())


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_shipped_environment_files_can_be_read(path: Path) -> None:
    assert read(path).systems


@pytest.mark.parametrize(
    "name",
    [
        "staging", "unknown-key-in-header", "unknown-tier", "secret-in-plain-text", "malformed-references",
        "wrong-kinds", "number-in-quotes", "unknown-symptom", "no-systems", "missing-name-and-tier",
        "system-name-with-capitals",
    ],
)  # fmt: skip
def test_schema_refuses_environment(name: str) -> None:
    path = PROJECT / "tests" / "files" / "bad" / f"{name}.yaml"
    schema = validator(PROJECT / "environments" / "environment.schema.json")
    assert list(schema.iter_errors(read_yaml(path).plain()))


RESULTS = PROJECT / "reports" / "results.schema.json"


@pytest.mark.parametrize(
    ("arguments", "faults"),
    [
        ((), ()),
        ((), ("database.unreachable:connection-refused",)),
        (("--checklist", "rollback-verification", "--gate", "p1"), ("health.degraded:component-down",)),
        (("-m", "p3 and drill"), ()),
    ],
    ids=["healthy", "broken", "checklist", "nothing"],
)
def test_results_documents_match_their_schema(
    lab: LabClient, arguments: tuple[str, ...], faults: tuple[str, ...]
) -> None:
    with lab.fault(*faults):
        ran = lab.check(*arguments)
    validator(RESULTS).validate(ran.document)


def sample() -> dict[str, Any]:
    text = (PROJECT / "docs" / "results.md").read_text()
    return dict(json.loads(text.partition("```json\n")[2].partition("```")[0]))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("extra",), 1),
        (("schema",), 2),
        (("run", "started"), "2026-05-04 13:44:39"),
        (("run", "gate"), "p1"),
        (("counts", "clear"), -1),
        (("roots", 0), "database is down"),
        (("results", 0, "findings"), []),
        (("results", 0, "findings", 0, "severity"), "high"),
        (("results", 0, "findings", 0, "extra"), 1),
        (("results", 1, "reason"), "because"),
        (("results", 2, "resource"), None),
        (("results", 2, "reason"), None),
        (("results", 3, "resource"), "postgres"),
        (("results", 3, "outcome"), "passed"),
    ],
    ids=str,
)
def test_results_schema_refuses(place: tuple[str | int, ...], value: object) -> None:
    document: Any = sample()
    holder = document
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    assert list(validator(RESULTS).iter_errors(document))
