"""No run has effects on any server of any system beyond those allowed, according to the servers' own logs.

The allowed requests are listed only here: a new check with another request, or to another kind of server, fails.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.harness import LabClient, describe, interruptible
from tests.product.test_exit_codes import altered

if TYPE_CHECKING:
    from tests.harness import Ran

CS = "ai-customer-service"
READS = r"(GET|HEAD|OPTIONS) "
# Reads that use POST because of the protocol (GraphQL, Slack's API), and a preview that stores nothing.
POSTED_READS = ("POST /client/v4/graphql", "POST /api/auth.test", "POST /api/insights/preview")
# For each kind of server, the requests allowed when nothing may be changed.
MAY_HEAR = {
    "recorder": (READS, *map(re.escape, POSTED_READS)),
    "nginx": (READS, *map(re.escape, POSTED_READS)),
    "edge": (READS,),
    "loki": (r"GET /(ready|loki/api/v1/query_range)$",),
    "imageregistry": (r"(GET|HEAD) /v2/",),
    "prometheus": (r"(GET|POST) /api/v1/(query|query_range|series|labels)$",),
    "moto": (r"(GET|HEAD) /",),
    # CONFIG RESETSTAT is the lab's own, which resets its counters with it.
    "redis": (r"(auth|hello|ping|info|client\|setinfo|config\|resetstat)$",),
}
STATEMENTS = re.compile(
    r"\s*(SELECT|WITH|SHOW|EXPLAIN|BEGIN|START|SET|COMMIT|ROLLBACK|END|DEALLOCATE)\b", re.IGNORECASE
)
LOCKING = re.compile(
    r"\bFOR\s+(UPDATE|SHARE|NO KEY)|\bINTO\s+(OUT|DUMP)FILE|\b(pg_terminate|pg_cancel|setval|nextval|lo_)",
    re.IGNORECASE,
)
OURS = ("cs_monitor", "aura_monitor", "sales_monitor", "reverse_monitor")
# Requests that must be refused: signed and unsigned deliveries, forged tokens, wrong passwords.
REFUSED_AT = ("/api/v1/customer-service/webhook", "/slack/commands", "/api/auth/login")


def requests_seen(lab: LabClient) -> Counter[tuple[str, str]]:
    return Counter((row["server"], row["what"]) for row in lab.ask("GET", "request-log"))


def beyond_reading(lab: LabClient) -> list[str]:
    """Return the requests that are not reads."""
    return [f"{server}: {what}" for server, what in requests_seen(lab) if not _is_read(server, what)]


def _is_read(server: str, what: str) -> bool:
    assert server in MAY_HEAR, f"{server} received {what}: add here what it may receive"
    return any(re.match(pattern, what) for pattern in MAY_HEAR[server])


def assert_databases_were_only_read(lab: LabClient) -> None:
    """Every statement of the checks reads, in a read-only transaction."""
    statements = [s for s in lab.ask("GET", "statements") if s["user"] in OURS]
    assert {s["user"] for s in statements} == set(OURS), "the log has every database's statements"
    for row in statements:
        text = row["statement"]
        assert STATEMENTS.match(text), text
        assert not LOCKING.search(text), text
    begun = [
        s["statement"].upper() for s in statements if re.match(r"\s*(BEGIN|START)\b", s["statement"], re.IGNORECASE)
    ]
    assert begun
    assert all("READ ONLY" in statement for statement in begun), set(begun)


def everywhere(folder: Path, effects: str) -> str:
    return altered(folder, ("effects: write", f"effects: {effects}"))


def test_checks_with_effects_read_only_read(everything: LabClient) -> None:
    """With all effects allowed, only the check itself prevents a write: drills included, all systems."""
    everything.ask("DELETE", "requests")
    ran = everything.check("-m", "(drill or not drill) and not refused and not write")
    assert ran.code in (0, 10), describe(ran)
    assert beyond_reading(everything) == []
    assert_databases_were_only_read(everything)
    assert {server for server, _ in requests_seen(everything)} == set(MAY_HEAR), "every server has received requests"
    assert "left on" not in ran.stdout


@pytest.mark.parametrize("effects", ["read", "refused"])
def test_environment_keeps_every_check_to_its_effects(everything: LabClient, tmp_path: Path, effects: str) -> None:
    everything.ask("DELETE", "requests")
    ran = everything.check("-m", "drill or not drill", env=everywhere(tmp_path, effects))
    # With refused, no token is configured and a login for one is a write: unknown. Other tests cover the results.
    assert ran.code in (0, 10), describe(ran)
    beyond = [r for r in everything.ask("GET", "requests") if not _is_read("recorder", f"{r['method']} {r['path']}")]
    assert bool(beyond) == (effects == "refused")
    for request in beyond:
        assert request["path"] in REFUSED_AT, request
        assert request["status"] < 500, request
    # Slack's receiver acknowledges a command that no app has: the signed request shows that it does not refuse
    # everything.
    accepted = [request["path"] for request in beyond if request["status"] < 400]
    assert accepted == ["/slack/commands"] * (effects == "refused")
    assert {what.rpartition(" ")[2] for what in beyond_reading(everything)} <= set(REFUSED_AT)
    assert_databases_were_only_read(everything)
    assert "left on" not in ran.stdout
    skipped = [r for r in ran.document["results"] if r["outcome"] == "skipped"]
    assert skipped
    assert all("needs effects:" in r["reason"] for r in skipped)


# ------------------------------------------------------------------ what the checks create
def rows_of(lab: LabClient) -> dict[str, Counter[str]]:
    """Return the rows that checks created in the service's tables: messages, sessions' audit rows."""
    asked = {
        "cs_messages": "SELECT message_id FROM cs_messages WHERE message_id LIKE 'runbook-checks-%'",
        "cs_audit_logs": "SELECT session_id::text FROM cs_audit_logs",
    }
    with closing(psycopg.connect(_direct(lab))) as connection:
        return {table: Counter(row[0] for row in connection.execute(sql)) for table, sql in asked.items()}


def _direct(lab: LabClient) -> str:
    return lab.variables["LAB_CS_MONITOR_DSN"].replace("@db.lab.test:", "@127.0.0.1:")


def assert_all_is_listed(lab: LabClient, before: dict[str, Counter[str]], said: str) -> None:
    """Everything that is new is named in a run's output."""
    said = re.sub(r"\s+", " ", said)
    for table, rows in rows_of(lab).items():
        for name in rows - before[table]:
            assert name in said, f"{name} in {table} is neither removed nor listed:\n{said}"


def uploads(lab: LabClient) -> Counter[str]:
    return Counter(
        r["method"] for r in lab.ask("GET", "requests") if r["path"].startswith("/api/uploads") and r["status"] < 400
    )


def test_what_checks_create_is_removed_or_listed(everything: LabClient) -> None:
    before = rows_of(everything)
    everything.ask("DELETE", "requests")
    ran = everything.check("-m", "write or refused or drill")
    assert ran.code in (0, 10), describe(ran)
    assert_all_is_listed(everything, before, ran.stdout)
    taken = uploads(everything)
    assert taken["POST"] == taken["DELETE"], "the upload was removed"
    assert "/sales help" in ran.stdout
    made = rows_of(everything)["cs_messages"] - before["cs_messages"]
    assert made, "something remains"
    listed = [line for line in ran.stdout.splitlines() if line.startswith("  message ")]
    assert len(listed) == len(made), "nothing else is listed"
    # Everything else that was accepted is known here.
    accepted = {(r["method"], re.sub(r"[0-9a-f-]{16,}", "ID", r["path"])) for r in everything.ask("GET", "requests")
                if r["status"] < 400 and not _is_read("recorder", f"{r['method']} {r['path']}")}  # fmt: skip
    sessions = "/api/v1/customer-service/sessions/ID"
    assert accepted <= {
        ("POST", "/api/v1/customer-service/webhook"),
        *(("POST", f"{sessions}/{step}") for step in ("assign", "resolve", "close")),
        ("DELETE", sessions),
        ("POST", "/api/auth/login"),  # a token of the synthetic user, which leaves nothing
        ("POST", "/api/uploads"),
        ("DELETE", "/api/uploads/ID"),
        ("POST", "/slack/commands"),
    }


@pytest.mark.parametrize(
    "faults",
    [
        (f"webhook.chain-broken:step-failed@{CS}", "web.upload-failing:too-slow@aura-flow"),
        (f"webhook.chain-broken:audit-rows-missing@{CS}", "slack.no-response:too-slow@sales-ai"),
        (f"webhook.duplicate-processed:processed-twice@{CS}", "web.upload-failing:limit-not-enforced@aura-flow"),
    ],
    ids=["steps", "audit", "twice"],
)
def test_what_a_failing_check_created_is_removed_or_listed(everything: LabClient, faults: tuple[str, ...]) -> None:
    before = rows_of(everything)
    everything.ask("DELETE", "requests")
    with everything.fault(*faults):
        ran = everything.check("-m", "write", "-n", "2" if "processed" in faults[0] else "0")
    assert ran.code == 1, describe(ran)
    assert_all_is_listed(everything, before, ran.stdout)
    taken = uploads(everything)
    assert taken["POST"] == taken["DELETE"] or "upload runbook-checks-" in ran.stdout
    if "slack.no-response:too-slow@sales-ai" in faults:
        assert "/sales help" in ran.stdout, "without a response it may have been accepted"


def test_refused_and_unreachable_leave_nothing_to_list(everything: LabClient) -> None:
    with everything.fault(f"webhook.signature-rejected:secret-mismatch@{CS}", "web.upload-failing:refused@aura-flow"):
        ran = everything.check("--system", CS, "-m", "webhook")
    assert "left on" not in ran.stdout


def begun(lab: LabClient, out: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a run with write effects, and wait for the first message on the target."""
    hidden = ("PYTEST_", "CHECKS_", "LAB_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment |= {"CHECKS_LAB": str(lab.state), "COLUMNS": "80", "CHECKS_OUT": str(out)}
    words = [sys.executable, "-m", "pytest", "--env", "lab", "--system", CS, "-m", "write", *arguments]
    child = interruptible(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    end = time.monotonic() + 30
    while not any(r["path"].endswith("/webhook") for r in lab.ask("GET", "requests")):
        assert time.monotonic() < end, "no message was sent"
        time.sleep(0.01)
    return child


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["alone", "spread"])
def test_interrupted_run_lists_what_it_left(everything: LabClient, tmp_path: Path, spread: tuple[str, ...]) -> None:
    before = rows_of(everything)
    everything.ask("DELETE", "requests")
    child = begun(everything, tmp_path / "out", *spread)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=30)
    assert_all_is_listed(everything, before, said)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_next_run_lists_what_a_killed_run_left(everything: LabClient, tmp_path: Path, how: signal.Signals) -> None:
    before = rows_of(everything)
    everything.ask("DELETE", "requests")
    child = begun(everything, tmp_path / "out")
    child.send_signal(how)
    said, _ = child.communicate(timeout=30)
    time.sleep(0.3)  # requests in transit arrive
    following = everything.check("--system", CS, "-m", "health", "--out", str(tmp_path / "out"))
    third = everything.check("--system", CS, "-m", "health", "--out", str(tmp_path / "out"))
    assert_all_is_listed(everything, before, said + following.stdout)
    if "left on" not in said:
        assert "was killed and left test data on ai-customer-service" in _joined(following)
    assert "was killed and left test data" not in _joined(third), "it is reported once"


def _joined(ran: Ran) -> str:
    return re.sub(r"\s+", " ", ran.stdout)


def test_drills_leave_nothing_behind(everything: LabClient) -> None:
    """The scratch server of a restore drill, its folder and its processes are gone."""
    # Not in pytest's own folder: a socket's path is limited to about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        Path(folder).chmod(0o777)
        ran = everything.check("-m", "backup and drill", variables={"TMPDIR": folder})
        assert ran.code == 0, describe(ran)
        assert [path.name for path in Path(folder).iterdir()] == []
