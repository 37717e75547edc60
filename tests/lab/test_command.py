"""Output and start-up time of `python -m runbook_checks_lab`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.harness import PROJECT, interruptible

HEAVY = "fastapi pydantic starlette uvicorn psycopg cryptography dns asyncio ssl"


def _lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "runbook_checks_lab", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)


def test_list_names_symptom_cause_and_systems() -> None:
    rows = json.loads(_lab("--list=json").stdout)
    assert {"fault": "webhook.stale-accepted:accepted", "systems": ["ai-customer-service"]} in rows
    assert len(rows) == len({row["fault"] for row in rows}) >= 91
    assert "webhook.stale-accepted:accepted  (ai-customer-service)" in _lab("--list").stdout


def test_list_is_light() -> None:
    look = (
        "import sys, runbook_checks_lab.__main__ as m; m.main(['--list=json']); "
        f"print(set('{HEAVY}'.split()) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        (
            "webhook.stale-acepted:accepted",
            "lab: there is no fault 'webhook.stale-acepted:accepted'; did you mean webhook.stale-accepted:accepted, "
            "webhook.tampered-accepted:accepted or webhook.unsigned-accepted:accepted?",
        ),
        (
            "backup.stale:old",
            "lab: there is no fault 'backup.stale:old'; did you mean backup.stale:none or backup.stale:too-old?",
        ),
        ("backup.stale:none@absent", "lab: there is no fault 'backup.stale:none@absent'"),
        ("zzz", "lab: there is no fault 'zzz'"),
    ],
)
def test_bad_fault_is_one_sentence(given: str, reported: str) -> None:
    done = _lab("--fault", given)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.strip().startswith(reported)


def test_bad_option_is_one_sentence() -> None:
    done = _lab("--lsit")
    assert (done.returncode, done.stderr) == (4, "lab: unrecognized arguments: --lsit\n")


def test_command_prints_addresses_and_stops_at_ctrl_c() -> None:
    command = [
        sys.executable,
        "-m",
        "runbook_checks_lab",
        "--fault",
        "health.wrong-version:old-version-running@sales-ai",
    ]
    process = interruptible(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    lines: list[str] = []
    while "DELETE" not in (lines or [""])[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1] or process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert errors == ""
    assert any(line.startswith("LAB_CS_URL=https://cs.lab.test:") for line in lines)
    assert "LAB_CS_VERSION=1.1.0\n" in lines, "the healthy values, also with a fault"
