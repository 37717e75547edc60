"""The environment of child processes, shown by a program that prints its own."""

from __future__ import annotations

import ast
import json
import os
import sys
import time
from pathlib import Path

import pytest

from runbook_checks.config.redaction import Redaction
from runbook_checks.config.secrets import Secret, Text, Vault, variables_named
from runbook_checks.probes.core.child_environment import clean
from runbook_checks.probes.core.command import run
from runbook_checks.probes.core.isolated import run_isolated
from runbook_checks.probes.host.variables import read_variables
from runbook_checks.probes.logs.command import read_printed
from tests.harness import PROJECT

SECRET = "s3cret-of-payments"
FOLDERS = ("checks", "fixtures", "src", "tools")
# A developer's set-up: pip, uv and npm read their settings from the environment.
OF_DEVELOPERS = ("tools/setup.py", "tools/pins.py")
STARTS = {
    "subprocess": ("run", "Popen", "call", "check_call", "check_output", "getoutput"),
    "os": ("posix_spawn", "posix_spawnp", "system", "popen"),
    "asyncio": ("create_subprocess_exec", "create_subprocess_shell"),
}


@pytest.fixture(autouse=True)
def _with_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENTS_TOKEN", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET + "-aws")
    monkeypatch.setenv("OP_SERVICE_ACCOUNT_TOKEN", SECRET + "-op")
    monkeypatch.setenv("PGPASSWORD", SECRET + "-pg")
    monkeypatch.setenv("PYTHON_INDEX_PASSWORD", SECRET + "-index")
    monkeypatch.setenv("LC_TIME", "C")


def printing(code: str = "") -> list[str]:
    """Return a command that prints its environment as JSON."""
    return [sys.executable, "-c", f"{code}import json, os; print(json.dumps(dict(os.environ)))"]


def isolated_environment() -> dict[str, str]:
    return dict(os.environ)


def test_isolated_reader_and_command_have_no_secret() -> None:
    for seen in (
        run_isolated(isolated_environment, resource="test", timeout_s=30),
        json.loads(run(printing(), "test", timeout_s=30, max_bytes=1 << 20)),
        clean(),
    ):
        assert SECRET not in str(seen)
        assert seen["PATH"] == os.environ["PATH"]
        assert seen["LC_TIME"] == "C"


def vault(tmp_path: Path, *listed: str) -> Vault:
    settings = [Secret.read({"env": "AWS_SECRET_ACCESS_KEY"}), {"a": [Text.read({"env": "UNSET"})]}]
    return Vault(tmp_path, Redaction(), listed=listed, named=lambda: variables_named(settings))


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        ((), {"OP_SERVICE_ACCOUNT_TOKEN"}),
        (("PAYMENTS_TOKEN",), {"OP_SERVICE_ACCOUNT_TOKEN", "PAYMENTS_TOKEN"}),
        (("AWS_*", "PG*"), {"OP_SERVICE_ACCOUNT_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"}),
    ],
)
def test_command_of_a_reference_has_tool_variables_and_listed_ones(
    tmp_path: Path, listed: tuple[str, ...], seen: set[str]
) -> None:
    """A secret manager's own variables, but none named in the file, unless they are listed for commands."""
    made = vault(tmp_path, *listed)
    reported = json.loads(made.value(Text.read({"command": printing()})))
    assert {name for name, value in reported.items() if value.startswith(SECRET)} == seen
    assert reported["HOME"] == os.environ["HOME"]
    found = read_variables(
        [sys.executable, "-c", "import os; print(*(f'{n}={v}' for n, v in os.environ.items()), sep=chr(10))"],
        made.for_commands(),
    )
    assert {name for name, value in found.items() if value.startswith(SECRET)} == seen


def test_log_command_has_its_variables(tmp_path: Path) -> None:
    code = "import os, time; print(time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'ERROR', sorted(os.environ))"
    now = time.time()
    for variables, is_seen in ((None, False), (vault(tmp_path, "PAYMENTS_TOKEN").for_commands(), True)):
        words = [sys.executable, "-c", code]
        found = read_printed(words, since=now - 60, until=now + 60, timeout_s=30, variables=variables)
        assert ("PAYMENTS_TOKEN" in str(found.entries)) == is_seen


def test_every_program_is_started_with_its_own_environment() -> None:
    bare = [
        f"{path.relative_to(PROJECT)}:{node.lineno}"
        for folder in FOLDERS
        for path in (PROJECT / folder).rglob("*.py")
        if str(path.relative_to(PROJECT)) not in OF_DEVELOPERS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _starts(node) and "env" not in {word.arg for word in node.keywords}
    ]
    # The supervisor's children inherit the supervisor's environment, which has no secrets.
    bare = [place for place in bare if not place.startswith("src/runbook_checks/probes/backups/supervisor.py")]
    assert bare == [], f"give these env=runbook_checks.probes.core.child_environment.clean(): {bare}"


def _starts(node: ast.Call) -> bool:
    called = node.func
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return False
    return called.attr in STARTS.get(called.value.id, ())
