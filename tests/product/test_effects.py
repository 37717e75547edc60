"""A run has no effects on the target beyond those that the environment allows, according to the servers' logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import LabClient, describe
from tests.product.test_exit_codes import altered

if TYPE_CHECKING:
    from pathlib import Path

READS = re.compile(
    r"\s*(SELECT|BEGIN|START TRANSACTION|SET LOCAL|SHOW|COMMIT|ROLLBACK|END|DEALLOCATE)\b", re.IGNORECASE
)


def reached(lab: LabClient) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the requests and the monitoring role's statements since the logs were cleared."""
    statements = [s for s in lab.ask("GET", "statements") if s["user"] == "cs_monitor"]
    return lab.ask("GET", "requests"), statements


@pytest.mark.parametrize(
    "how", [("--collect-only",), ("--list-symptoms",), ("--list-symptoms=json", "-q"), ("-m", "drill")]
)
def test_listing_sends_nothing(lab: LabClient, how: tuple[str, ...]) -> None:
    lab.ask("DELETE", "requests")
    lab.check(*how)
    assert reached(lab) == ([], [])


def test_read_only_environment_sends_only_reads(lab: LabClient, tmp_path: Path) -> None:
    env = altered(tmp_path, ("effects: write", "effects: read"))
    lab.ask("DELETE", "requests")
    ran = lab.check(env=env)
    requests, statements = reached(lab)
    assert ran.code == 0, describe(ran)
    assert {request["method"] for request in requests} == {"GET"}
    assert statements
    assert [s["statement"] for s in statements if not READS.match(s["statement"])] == []


def test_refused_environment_sends_nothing_that_is_accepted(lab: LabClient, tmp_path: Path) -> None:
    env = altered(tmp_path, ("effects: write", "effects: refused"))
    lab.ask("DELETE", "requests")
    ran = lab.check(env=env)
    requests, statements = reached(lab)
    assert ran.code == 0, describe(ran)
    posted = [request for request in requests if request["method"] != "GET"]
    assert posted
    assert {request["status"] for request in posted} <= {400, 403}
    assert [s["statement"] for s in statements if not READS.match(s["statement"])] == []


def test_refused_deliveries_are_harmless_for_a_receiver_that_accepts_everything(lab: LabClient, tmp_path: Path) -> None:
    """Even a receiver that checks no signature stores nothing from a run without write effects."""
    env = altered(tmp_path, ("effects: write", "effects: refused"))
    lab.ask("DELETE", "requests")
    with lab.fault("webhook.unsigned-accepted:accepted", "webhook.tampered-accepted:accepted"):
        ran = lab.check("-m", "webhook", env=env)
    requests, _ = reached(lab)
    assert ran.code == 1, describe(ran)
    assert [r for r in requests if r["method"] == "POST" and 200 <= r["status"] < 300] == []


def test_every_request_names_the_product_and_the_run(lab: LabClient) -> None:
    lab.ask("DELETE", "requests")
    ran = lab.check("-m", "health or webhook")
    requests, _ = reached(lab)
    assert requests
    run_id = ran.document["run"]["id"]
    for request in requests:
        assert request["user_agent"].startswith("runbook-checks/"), request
        assert run_id in request["user_agent"], request


def test_at_most_two_connections_to_the_database(lab: LabClient) -> None:
    lab.ask("DELETE", "requests")
    lab.check("-m", "database or migration")
    _, statements = reached(lab)
    lives: dict[int, list[str]] = {}
    for statement in statements:
        lives.setdefault(statement["pid"], []).append(statement["at"])
    assert lives
    # A broken connection is replaced, so the number at one time is counted.
    at_once = max(sum(min(ours) <= min(life) <= max(ours) for ours in lives.values()) for life in lives.values())
    assert at_once <= 2, lives
