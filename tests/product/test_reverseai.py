"""Reports for an on-call engineer of ReverseAI, and the checks' effects on its database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.harness import LabClient

if TYPE_CHECKING:
    from collections.abc import Callable

ATTESTED = (
    "what was lost, and since when, is agreed with the customer",
    "key tables and addresses were checked after the restore",
)
READS = re.compile(r"(SELECT|SHOW|SET SESSION|SET NAMES|START TRANSACTION READ ONLY|ROLLBACK)\b")


@pytest.fixture
def reverseai(lab_of: Callable[[str], LabClient]) -> LabClient:
    return lab_of("reverseai")


def test_remedies_show_the_request_with_real_ids_and_do_not_send_it(reverseai: LabClient) -> None:
    with reverseai.fault("execution.stuck:node-hanging"):
        reverseai.ask("DELETE", "requests")
        ran = reverseai.check("-m", "execution")
        asked = reverseai.ask("GET", "requests")
    remedies = " ".join(step for f in ran.results["execution.stuck"]["findings"] for step in f["remedy"])
    assert "/api/v1/admin/executions/9000001/cancel" in remedies
    assert "/api/v1/admin/executions/9000002/cancel" in remedies
    assert '-d \'{"reason": "stuck"}\'' in remedies
    assert {request["method"] for request in asked} <= {"GET"}


def test_database_is_only_read_and_every_statement_names_its_run(reverseai: LabClient) -> None:
    reverseai.ask("DELETE", "requests")
    ran = reverseai.check()
    said = [row["statement"] for row in reverseai.ask("GET", "statements") if row["user"] == "reverse_monitor"]
    assert said
    assert [statement for statement in said if not READS.match(statement.strip())] == []
    run_id = ran.document["run"]["id"]
    unmarked = [s for s in said if f"run={run_id}" not in s and not s.startswith(("ROLLBACK", "SET NAMES"))]
    assert unmarked == []


def test_missing_grant_is_named(reverseai: LabClient) -> None:
    with reverseai.outage("mysql-accounts-revoked"):
        ran = reverseai.check("-m", "provision")
    assert "GRANT SELECT ON mysql.user TO 'reverse_monitor'" in ran.results["provision.user-missing"]["reason"]
    with reverseai.outage("mysql-databases-revoked"):
        ran = reverseai.check("-m", "provision")
    assert "GRANT SHOW DATABASES ON *.* TO" in ran.results["provision.database-missing"]["reason"]


def test_failures_are_grouped_by_their_cause_with_ids(reverseai: LabClient) -> None:
    with reverseai.fault("execution.failing:llm-provider"):
        ran = reverseai.check("-m", "execution")
    [finding] = ran.results["execution.failing"]["findings"]
    assert finding["cause"] == "llm-provider"
    assert "model is overloaded" in finding["seen"]
    assert finding["evidence"]["count"] >= 14
    assert "9000014" in finding["evidence"]["ids"]


def test_checklist_items_are_ticked_only_by_their_checks(reverseai: LabClient) -> None:
    attested = (
        "what was lost, and since when, is agreed with the customer",
        "key tables and addresses were checked after the restore",
    )
    vouched = [word for item in attested for word in ("--attest", item)]
    ran = reverseai.check("--checklist", "user-data-recovery", *vouched)
    assert ran.code == 0, ran.output()
    with reverseai.fault("recovery.not-possible:no-backup"):
        ran = reverseai.check("--checklist", "user-data-recovery", *vouched)
    assert ran.code == 1
    states = {item["item"]: item["state"] for item in ran.document["checklist"]["items"]}
    assert states["the database is ready and has a backup"] == "crossed"
    assert states["the database server answers, and its tables are there"] == "ticked"
