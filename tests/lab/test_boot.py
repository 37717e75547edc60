"""A healthy lab works as documented."""

from __future__ import annotations

import ssl
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.harness import LabClient
from tests.lab.outside import API, Outside

SHARED = {"LAB_RESOLVER", "LAB_AUTHORITATIVE_PORT", "LAB_CA_FILE", "LAB_INTERMEDIATES_FILE"}
OWN = "URL DIRECT_URL TLS_ADDRESS MONITOR_DSN WEBHOOK_SECRET DOTENV LOG_FILE BACKUP_FOLDER ARTEFACT PREVIOUS_CONFIG"
OWN += " ROLLBACK_SCRIPT VERSION"


@pytest.fixture
def outside(lab: LabClient) -> Outside:
    return Outside(lab.variables)


def test_variables_are_the_contract(lab: LabClient) -> None:
    assert set(lab.variables) == SHARED | {f"LAB_CS_{name}" for name in OWN.split()}
    assert not lab.missing
    assert lab.state.stat().st_mode & 0o077 == 0, "the state file contains secrets"


def test_health_names_postgres(outside: Outside) -> None:
    up = '{"status":"UP","components":{"postgres":{"status":"UP"}}}'
    assert outside.health() == {
        "": (200, up, False),
        "/live": (200, '{"status":"UP"}', False),
        "/ready": (200, up, False),
    }


def test_front_passes_the_clock_of_the_service_through(lab: LabClient, outside: Outside) -> None:
    assert outside.clock() == 0
    with lab.fault("webhook.clock-drift:server-behind"):
        assert outside.clock() == -9


def test_strict_verifier_accepts_the_chain(lab: LabClient) -> None:
    import socket

    from cryptography import x509
    from cryptography.x509.verification import PolicyBuilder, Store

    context = ssl.create_default_context(cafile=lab.variables["LAB_CA_FILE"])
    port = urlsplit(lab.variables["LAB_CS_URL"]).port
    with (
        socket.create_connection(("127.0.0.1", port), 2) as plain,
        context.wrap_socket(plain, server_hostname="cs.lab.test") as sock,
    ):
        served = sock._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    chain = [x509.load_pem_x509_certificate(c.public_bytes().encode()) for c in served]
    root = x509.load_pem_x509_certificate(Path(lab.variables["LAB_CA_FILE"]).read_bytes())
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName("cs.lab.test"))
    assert len(verifier.verify(chain[0], chain[1:2])) == 3


def test_monitor_can_only_read(outside: Outside) -> None:
    import psycopg
    from psycopg.sql import SQL, Identifier

    with outside.connect() as db:
        for table in ("cs_sessions", "cs_messages", "cs_tickets", "cs_audit_logs", "cs_message_dedup"):
            count = db.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table))).fetchone()
            assert count
            assert count[0] >= 200
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("DELETE FROM cs_tickets")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("CREATE TABLE scratch (id int)")


def test_messages_are_refused_as_documented(outside: Outside) -> None:
    assert outside.webhook() == {
        "fresh": (400, "CS_REQ_4001"),
        "unsigned": (403, "CS_AUTH_4031"),
        "forged": (403, "CS_AUTH_4034"),
        "late": (400, "CS_REQ_4001"),
        "stale": (403, "CS_AUTH_4033"),
        "early": (403, "CS_AUTH_4033"),
        "ancient": (403, "CS_AUTH_4033"),
    }


def test_message_goes_through_all_steps(outside: Outside) -> None:
    audit = [("assign",), ("resolve",), ("close",)]
    assert outside.deliveries() == [200, 200, False, True, 200, 200, 200, audit]


def test_concurrent_copies_of_a_message_are_one_message(outside: Outside) -> None:
    import json
    from concurrent.futures import ThreadPoolExecutor

    message = {"channel": "test", "message_id": str(time.time_ns()), "open_id": "twin", "content": "x"}
    body = json.dumps(message | {"timestamp": "2026-01-01T00:00:00Z"}).encode()
    with ThreadPoolExecutor(4) as threads:
        answers = [answer.json()["duplicate"] for answer in threads.map(lambda _: outside.deliver(body), range(4))]
    assert sorted(answers) == [False, True, True, True]


def test_large_body_is_refused(outside: Outside) -> None:
    assert outside.deliver(b"x" * (1 << 20) + b"x").status_code == 413


def test_log_ends_now_and_is_in_order(lab: LabClient) -> None:
    lines = Path(lab.variables["LAB_CS_LOG_FILE"]).read_text().splitlines()
    stamps = [datetime.fromisoformat(line.split()[0]) for line in lines]
    assert stamps == sorted(stamps)
    assert 7000 < lab.state.stat().st_mtime - stamps[0].timestamp() < 7600
    assert time.time() - stamps[-1].timestamp() < 60
    assert any("duplicate key" in line for line in lines)


def test_log_entries_of_a_fault_are_removed_with_it(lab: LabClient, outside: Outside) -> None:
    with lab.fault("migration.missing:partly-applied"):
        outside.deliveries()
        assert "cs_message_dedup" in _errors(lab)
    assert "cs_message_dedup does" not in _errors(lab)


def _errors(lab: LabClient) -> str:
    lines = Path(lab.variables["LAB_CS_LOG_FILE"]).read_text().splitlines()
    return "\n".join(line for line in lines if " ERROR " in line and "duplicate key" not in line)


def test_reads_work_without_the_database(lab: LabClient, outside: Outside) -> None:
    healthy = outside.contract()
    with lab.fault("database.unreachable:connection-refused"):
        assert outside.health()["/ready"][0] == 503
        assert outside.health()["/live"][0] == 200
        assert outside.contract() == healthy


def test_requests_and_statements_are_logged(lab: LabClient, outside: Outside) -> None:
    lab.ask("DELETE", "requests")
    assert lab.ask("GET", "statements") == []
    outside.deliver(b"{}")
    with outside.connect(application_name="somebody") as db:
        db.execute("SELECT count(*) FROM cs_tickets WHERE subject <> %s", ("x",))
    request = lab.ask("GET", "requests")[-1]
    assert (request["method"], request["path"], request["status"]) == ("POST", f"{API}/webhook", 400)
    assert request["body_size"] == 2
    assert request["user_agent"].startswith("python-requests")
    statements: list[dict[str, Any]] = [s for s in lab.ask("GET", "statements") if s["application_name"] == "somebody"]
    assert [(s["user"], s["database"]) for s in statements] == [("cs_monitor", "ai_customer_service")]
    assert "FROM cs_tickets" in statements[0]["statement"]


def test_api_matches_its_openapi_document(lab: LabClient) -> None:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    schema = schemathesis.openapi.from_url(lab.variables["LAB_CS_DIRECT_URL"] + "/openapi.json")
    quick = settings(max_examples=8, phases=[Phase.generate], database=None, derandomize=True, deadline=None)
    quiet = settings(quick, suppress_health_check=list(HealthCheck))
    tried = 0
    for result in schema.include(method="GET").get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # an unreadable operation fails here

        @quiet
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            case.call_and_validate()

        holds()
        tried += 1
    assert tried == 3
