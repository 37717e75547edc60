"""A team adds its own system with two files: the example of docs/own-system.md, listed and run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runbook_checks.config.load import read
from tests.docs.blocks import Block, blocks
from tests.harness import PROJECT, LabClient, run

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = PROJECT / "docs" / "example"

# The bookshop's runbook, with the lab's service in place of the shop: its addresses and tables are replaced.
IN_THE_LAB = """
name: bookshop-in-the-lab
tier: staging
effects: read
systems:
  bookshop:
    runbook: {runbook}
    resolver: {{env: LAB_RESOLVER}}
    ca_file: {{env: LAB_CA_FILE}}
    http:
      base_url: {{env: LAB_CS_URL}}
      expect_version: {{env: LAB_CS_VERSION}}
      health:
        path: /actuator/health
        live: /actuator/health/live
        ready: /actuator/health/ready
        components_field: components
        healthy: [UP]
      version: {{path: /actuator/info, field: app.version}}
    postgres:
      dsn: {{env: LAB_CS_MONITOR_DSN}}
      schema: public
      tables: [cs_messages]
      columns: {{orders: , cs_audit_logs: {{id: uuid}}}}
    tls: {{intermediates_file: {{env: LAB_INTERMEDIATES_FILE}}}}
    logs: {{file: {{env: LAB_CS_LOG_FILE}}, ignore: [duplicate key]}}
    backups: {{folder: {{env: LAB_CS_BACKUP_FOLDER}}, pattern: "*.sql"}}
"""


def in_the_lab(lab: LabClient, tmp_path: Path, *arguments: str) -> tuple[int, dict[str, dict[str, str]], str]:
    environment = tmp_path / "bookshop.lab.yaml"
    environment.write_text(IN_THE_LAB.format(runbook=EXAMPLE / "bookshop.yaml"))
    ran = run("--env", str(environment), *arguments, out=lab.out, variables=lab.variables)
    return ran.code, ran.results, ran.stdout


def test_files_are_valid() -> None:
    files = read(EXAMPLE / "staging.yaml")
    shop = files.systems["bookshop"]
    assert shop.symptoms["database.unreachable"].severity == "P1"
    assert shop.settings.backups is not None
    assert (shop.settings.backups.max_age_h, shop.settings.backups.pattern) == (170, "bookshop-*.dump")
    assert shop.settings.escalation["P0"].who[0] == "on-call"


def test_every_listed_symptom_is_checked() -> None:
    ran = run("--env=docs/example/staging.yaml", "--list-symptoms=json")
    listed = {row["symptom"]: row for row in json.loads(ran.stdout)}
    assert listed.keys() == read(EXAMPLE / "staging.yaml").systems["bookshop"].symptoms.keys()
    assert listed["health.slow"]["system"] == "bookshop"


def test_system_is_selected_by_its_name() -> None:
    ran = run("--env=docs/example/staging.yaml", "--list-symptoms", "-m", "bookshop and p0")
    assert ran.code == 0, ran.output()
    assert "P1" not in ran.stdout
    assert "health.unreachable" in ran.stdout


def test_system_is_checked_like_any_other(lab: LabClient, tmp_path: Path) -> None:
    code, results, reported = in_the_lab(lab, tmp_path)
    assert code == 0, reported
    assert {result["outcome"] for result in results.values()} == {"clear"}, reported


def test_own_remedies_are_shown(lab: LabClient, tmp_path: Path) -> None:
    with lab.fault("database.unreachable:connection-refused"):
        code, results, reported = in_the_lab(lab, tmp_path, "--gate", "p1")
    assert code == 1, reported
    assert "Don't fail over by hand" in reported
    assert results["database.unreachable"]["severity"] == "P1"


def test_own_checklist_is_shown(lab: LabClient, tmp_path: Path) -> None:
    arguments = ("--checklist", "after-deploy", "--attest", "a book was ordered by hand")
    code, _, reported = in_the_lab(lab, tmp_path, *arguments)
    assert code == 0, reported
    assert reported.count("[x]") == 2
    assert "[a] a book was ordered by hand" in reported


SHOWN = [block for block in blocks("yaml", "python") if block.note.startswith("suite/")]


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_suite_shown_is_the_tested_one(block: Block) -> None:
    """tests/product/test_team.py runs it."""
    assert block.text == (EXAMPLE / block.note).read_text()


def test_suite_is_shown_completely() -> None:
    files = {path.relative_to(EXAMPLE).as_posix() for path in (EXAMPLE / "suite").rglob("*.*") if path.is_file()}
    tried = {name for name in files if not name.endswith(("__init__.py", ".pyc"))}
    assert {block.note for block in SHOWN} == tried
