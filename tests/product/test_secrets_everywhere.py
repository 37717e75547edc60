"""No secret of any system is in any output of a whole run: healthy, with many faults, crashed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from runbook_checks_lab.systems import SYSTEMS
from tests.harness import PROJECT, LabClient
from tests.product.test_secrets import said, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Ran

SHORTEST = 10
WRAPPED = ("output", "error", ".md", ".txt", ".xml")
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|DSN|DATABASE_URL|WEBHOOK_URL")
REFERENCE = re.compile(r"(\w+): \{env: (\w+)\}")
# Keys of the environment file whose references are not secrets: addresses and names.
OPEN = re.compile(
    r".*url|resolver|headers|pages|Groq|Neon|Cloudflare|Slack|ca_file|file|folder|endpoint|expect_version|base_host|authoritative_port|port|intermediates_file|record"
    r"|artefact|configuration|script|user|registry|address|expected|project|account|access_key_id|tenant"
)
LOUD = ("-vv", "--showlocals", "--tb=long", "--full-trace", "-s", "-rA", "--log-cli-level=DEBUG", "--setup-show",
        "--durations=0", "-o", "junit_logging=all", "-o", "junit_family=xunit1")  # fmt: skip
ONCE = {
    "ai-customer-service": ("database.unreachable:authentication-failed", "preflight.dsn-malformed:part-missing",
                            "webhook.signature-rejected:secret-mismatch"),
    "aura-flow": ("dependency.redis:authentication-failed", "auth.login-failing:token-rejected",
                  "preflight.dsn-malformed:not-a-url", "rollback.not-possible:artefact-missing"),
    "reverseai": ("database.unreachable:authentication-failed", "health.key-function:wrong-status"),
    "sales-ai": ("dependency.groq-limited:key-rejected", "slack.token-invalid:invalid-auth",
                 "dependency.object-storage:access-denied", "preflight.example-credential:too-short"),
}  # fmt: skip
# A check crashes with secrets in the message, cause and local variables; so do a thread, and an object's finalizer.
CRASHING = """
import os
import threading
from runbook_checks.handles import receiver, postgres
from runbook_checks.probes.http.client import Http

def crashes(what):
    def crash(self, *_, **__):
        secret, dsn = os.environ["LAB_CS_WEBHOOK_SECRET"], os.environ["LAB_AF_MONITOR_DSN"]
        try:
            raise KeyError(dsn)
        except KeyError as error:
            thread = threading.Thread(target=ends_badly, args=["a thread fell over " + secret])
            thread.start()
            thread.join()
            Thrown()
            raise RuntimeError(f"{'x' * %d} {secret} and {dsn}\\n{secret}") from error
    return crash

def ends_badly(said):
    raise RuntimeError(said)

class Thrown:
    def __del__(self):
        ends_badly("an object fell over " + os.environ["LAB_AF_MONITOR_DSN"])

receiver.Receiver.control = crashes("control")
postgres.PostgresDatabase.connections = crashes("connections")

def pytest_runtest_logreport(report):
    if os.environ.get("CRASH_IN_HOOK") and report.when == "call":
        token = os.environ["LAB_REVERSE_TOKEN"]
        raise RuntimeError(f"a plugin fell over {token}")
"""


def planted(lab: LabClient) -> dict[str, str]:
    """Return every secret in lab.yaml, and in the variables of the next instances, with passwords inside."""
    text = (PROJECT / "environments" / "lab.yaml").read_text()
    found = {
        name: lab.variables[name]
        for key, name in REFERENCE.findall(text)
        if name in lab.variables and (not OPEN.fullmatch(key) or urlsplit(lab.variables[name]).password)
    }
    for dotenv in [value for name, value in lab.variables.items() if name.endswith("_DOTENV")]:
        with open(dotenv, encoding="utf-8") as stream:
            pairs = [line.strip().split("=", 1) for line in stream if "=" in line]
        found |= {f"{dotenv}: {name}": value.strip("\"'") for name, value in pairs if SECRET.search(name)}
    inside = {name: urlsplit(value).password or "" for name, value in found.items() if "://" in value}
    decoded = {f"{name} (decoded)": unquote(value) for name, value in inside.items()}
    found |= {f"{name} (password)": value for name, value in inside.items()} | decoded
    return {name: value for name, value in found.items() if len(value) >= SHORTEST}


def squeezed(text: str) -> str:
    """Remove blanks and line breaks, so that wrapped text is searchable."""
    return re.sub(r"\s+", "", text)


def leaks(ran: Ran, folder: Path, known: dict[str, str]) -> list[str]:
    outputs = list(said(ran, folder))
    assert len(outputs) > 20, "Allure's files are searched too"
    forms = {name: _forms(secret) for name, secret in known.items()}
    found = []
    for where, text in outputs:
        # Only text for people is wrapped.
        texts = [text, squeezed(text)] if where.endswith(WRAPPED) else [text]
        stands = [name for name, several in forms.items() if any(form in each for each in texts for form in several)]
        found += [f"{name} in {where}" for name in stands]
    return found


def _forms(secret: str) -> set[str]:
    forms = {form for form in written(secret) if len(form) >= SHORTEST}
    # Half a secret at the end of truncated text is as bad.
    return forms | {squeezed(form) for form in forms} | {secret[: max(SHORTEST, len(secret) // 2 + 1)]}


def test_secrets_of_every_kind_are_searched_for(everything: LabClient) -> None:
    """At least one secret of each system, and of each kind."""
    known = planted(everything)
    for word in ("WEBHOOK_SECRET", "MONITOR_DSN (password)", "REDIS_URL (password)", "R2_SECRET", "GROQ_KEY",
                 "SLACK_TOKEN", "NEON_KEY", "CLOUDFLARE_TOKEN", "SIGNING_SECRET", "REVERSE_TOKEN", "AF_PASSWORD",
                 "JWT_SECRET", "EXPIRED_TOKEN", "PROMETHEUS_PASSWORD", "REGISTRY_PASSWORD"):  # fmt: skip
        assert any(word in name for name in known), word


def checked(lab: LabClient, tmp_path: Path, *arguments: str, **variables: str) -> Ran:
    out = tmp_path / "out"
    out.mkdir()
    files = [f"--{name}={out / name}.txt" for name in ("results", "markdown", "metrics")]
    # --debug writes its own file to the given path.
    return lab.check("--out", str(out), *files, f"--debug={out / 'debug.log'}", *arguments, variables=variables)


def test_healthy_run_with_all_output(everything: LabClient, tmp_path: Path) -> None:
    ran = checked(everything, tmp_path, *LOUD)
    assert leaks(ran, tmp_path, planted(everything)) == []


@pytest.mark.parametrize("how", [LOUD, ("-n", "2", "-vv"), ("--paste",)], ids=["loud", "spread", "paste"])
def test_run_with_many_faults_at_once(everything: LabClient, tmp_path: Path, how: tuple[str, ...]) -> None:
    known = planted(everything)
    with everything.fault(*(f"{fault}@{system}" for system in SYSTEMS for fault in ONCE[system])):
        known |= {f"{name} now": value for name, value in planted(everything).items()}
        areas = "database or preflight or webhook or dependency or auth or rollback or slack or health or logs"
        ran = checked(everything, tmp_path, "-m", areas, *how)
    assert ran.code == 1
    assert leaks(ran, tmp_path, known) == []


@pytest.mark.parametrize("length", [1, 150])
def test_check_that_crashes_with_a_secret(everything: LabClient, tmp_path: Path, length: int) -> None:
    """In its message, truncated at any place, in its cause, in local variables."""
    (tmp_path / "crashing.py").write_text(CRASHING % length)
    more = LOUD if length == 1 else ("-vv", "-n", "2")
    ran = checked(everything, tmp_path, "-p", "crashing", "-m", "webhook or database", *more, PYTHONPATH=str(tmp_path))
    for reported in ("the check itself failed: RuntimeError", "a thread fell over", "an object fell over"):
        assert reported in ran.output()
    (tmp_path / "crashing.py").unlink()
    assert leaks(ran, tmp_path, planted(everything)) == []


@pytest.mark.parametrize("how", [(), ("-n", "2"), ("--full-trace", "--showlocals")], ids=["alone", "spread", "traced"])
def test_plugin_that_crashes_with_a_secret(everything: LabClient, tmp_path: Path, how: tuple[str, ...]) -> None:
    """pytest itself prints an error in a plugin."""
    (tmp_path / "crashing.py").write_text(CRASHING % 1)
    ran = checked(
        everything, tmp_path, "-p", "crashing", "-m", "health", *how, PYTHONPATH=str(tmp_path), CRASH_IN_HOOK="1"
    )
    assert ran.code == 3, ran.output()
    assert "a plugin fell over" in ran.output()
    (tmp_path / "crashing.py").unlink()
    known = planted(everything)
    texts = {"standard output": ran.stdout, "standard error": ran.stderr}
    texts |= {str(path): path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()}
    assert [f"{n} in {w}" for w, text in texts.items() for n, secret in known.items() if secret in text] == []
