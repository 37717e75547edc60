"""If the evidence does not determine the cause, the result lists possible causes and those that are ruled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import LabClient
from tests.misbehaving import postgres as _  # noqa: F401  registers its servers
from tests.misbehaving.server import REGISTRY, FakeServer
from tests.product.test_exit_codes import altered
from tests.roots.documents import roots_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Ran

CS, AURA, SALES = "ai-customer-service", "aura-flow", "sales-ai"
WIDTH = 80


def finding_without_cause(ran: Ran, symptom: str) -> dict[str, Any]:
    """Return a symptom's finding without a cause; the terminal shows its alternatives in one line each."""
    finding: dict[str, Any]
    [finding] = ran.results[symptom]["findings"]
    assert finding["cause"] is None
    assert finding["remedy"] == [], "no remedy without a cause"
    assert "does not prove" in finding["because"]
    lines = ran.stdout.splitlines()
    for name in ("perhaps", "ruled out"):
        assert sum(line.startswith(f"   {name} ") for line in lines) <= 1, ran.stdout
    assert max(map(len, (line for line in lines if line.startswith(("   perhaps", "   ruled out"))))) <= WIDTH
    return finding


def whats(finding: dict[str, Any], name: str) -> dict[str, str]:
    return {each["what"]: each["because"] for each in finding.get(name, ())}


def test_refusal_without_a_known_code(everything: LabClient, tmp_path: Path) -> None:
    """A wrong secret, a lost header or a wrong clock could cause this refusal; the Date header rules out the clock."""
    webhook = "    webhook:\n      secret: {env: LAB_CS_WEBHOOK_SECRET}\n"
    codes = "      refusals: {status: 403, unsigned: CS_1, stale: CS_2, invalid: CS_3, prefix: CS_AUTH_}\n"
    env = altered(tmp_path, (webhook, webhook + codes))
    with everything.fault(f"webhook.signature-rejected:secret-mismatch@{CS}"):
        ran = everything.check("--system", CS, "-m", "webhook", env=env)
    finding = finding_without_cause(ran, "webhook.signature-rejected")
    assert set(whats(finding, "candidates")) == {"secret-mismatch", "header-dropped"}
    ruled_out = whats(finding, "ruled_out")
    assert ruled_out["endpoint-missing"] == "it answers HTTP 403"
    assert ruled_out["clock-skew"].startswith("its clock is ")
    assert "   perhaps    secret-mismatch, header-dropped (fits the evidence)" in ran.stdout
    [shown] = [a for a in ran.allure() if a["name"].startswith("webhook.signature-rejected")]
    assert "perhaps: secret-mismatch, header-dropped (fits the evidence)" in shown["statusDetails"]["message"]
    assert "ruled out: endpoint-missing" in shown["statusDetails"]["message"]


def test_messages_fail_without_an_entry_in_the_log(everything: LabClient, tmp_path: Path) -> None:
    """Other sources rule out the usual causes."""
    env = altered(tmp_path, ("    logs:\n      file: {env: LAB_SALES_LOG_FILE}\n", ""))
    with everything.fault(f"queue.failing:groq-api-error@{SALES}"):
        ran = everything.check("--system", SALES, "-m", "queue or dependency", env=env)
    finding = finding_without_cause(ran, "queue.failing")
    assert {"groq-api-error", "database-error", "file-download-failed", "other"} <= set(whats(finding, "candidates"))
    assert whats(finding, "candidates")[f"database.unreachable[{SALES}]"] == "not checked"
    assert whats(finding, "ruled_out")[f"dependency.groq-limited[{SALES}]"] == "clear"
    assert whats(finding, "ruled_out")[f"dependency.object-storage[{SALES}]"] == "clear"


def test_queue_piles_up_without_readable_figures(everything: LabClient) -> None:
    with (
        everything.fault(f"queue.backlog:consumer-stalled@{SALES}"),
        everything.outage(f"analytics-forbidden@{SALES}"),
    ):
        ran = everything.check("--system", SALES, "-m", "queue")
    finding = finding_without_cause(ran, "queue.backlog")
    fitting = {"consumer-stalled", "consumer-slow", "consumer-failing"}
    assert fitting <= set(whats(finding, "candidates"))
    assert whats(finding, "ruled_out")["paused"] == "delivery is not paused"


@pytest.mark.parametrize("name", ["postgres.resets", "postgres.closes-after-startup"])
def test_database_that_disconnects_without_an_error(everything: LabClient, tmp_path: Path, name: str) -> None:
    env = altered(tmp_path, ("{env: LAB_CS_MONITOR_DSN}", "{env: HOSTILE_DSN}"))
    with FakeServer(REGISTRY[name]) as server:
        dsn = (
            f"postgresql://cs_monitor:does-not-matter-here@127.0.0.1:{server.port}/ai_customer_service?sslmode=disable"
        )
        ran = everything.check("--system", CS, "-m", "database", env=env, variables={"HOSTILE_DSN": dsn})
    finding = finding_without_cause(ran, "database.unreachable")
    assert set(whats(finding, "candidates")) == {"starting-up", "host-not-allowed", "too-many-connections"}
    assert set(whats(finding, "ruled_out")) >= {"name-not-resolved", "connection-refused", "connect-timeout"}
    assert "(connected)" in ran.stdout


def test_failing_login_is_not_a_refused_login(everything: LabClient) -> None:
    with everything.incident(f"database-gone@{AURA}"):
        ran = everything.check("--system", AURA, "-m", "auth")
    finding = finding_without_cause(ran, "auth.login-failing")
    assert whats(finding, "ruled_out")["login-refused"] == "HTTP 500 is not a refusal"
    assert whats(finding, "candidates")[f"health.server-error[{AURA}]"] == "not checked"


def test_selection_names_the_checks_that_did_not_run(everything: LabClient) -> None:
    """The root cause's own check is not selected: it is named as a possible explanation, not as clear."""
    root = f"database.unreachable[{CS}]"
    with everything.incident(f"database-gone@{CS}"):
        health = everything.check("--system", CS, "-m", "health")
        migration = everything.check("--system", CS, "-m", "migration")
        whole = everything.check("--system", CS, "-m", "migration or health or database")
    assert roots_of(health.document).keys() == {f"health.not-ready[{CS}]"}
    [finding] = health.results["health.not-ready"]["findings"]
    assert whats(finding, "candidates")[root] == "not checked"
    assert finding["cause"] == "component-down", "the cause is reported with its possible explanation"
    assert "ruled_out" not in finding
    assert "   perhaps    database.unreachable" in health.stdout
    assert roots_of(migration.document).keys() == {f"unreadable:postgres[{CS}]"}
    unknown = next(r for r in migration.results.values() if r["outcome"] == "unknown" and r["explained_by"] is None)
    assert whats(unknown, "candidates") == {root: "not checked"}
    assert "   perhaps    database.unreachable (not checked)" in migration.stdout
    assert roots_of(whole.document).keys() == {root}
    assert "perhaps" not in whole.stdout


def test_healthy_and_complete_runs_have_no_alternatives(everything: LabClient) -> None:
    ran = everything.check("--system", CS)
    assert ran.code == 0
    assert "candidates" not in str(ran.document)
