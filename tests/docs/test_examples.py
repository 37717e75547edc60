"""Each example environment is valid, and has everything for all checks that its system's runbook lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT, run

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted((PROJECT / "environments").glob("*.example.yaml"))
# Capabilities that an example omits on purpose.
LEFT_OUT = {"staging.example.yaml": {"preflight", "backup", "rollback", "logs"}}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs_every_check(path: Path) -> None:
    import yaml

    listed = run(f"--env={path}", "-m", "drill or not drill", "--list-symptoms=json")
    assert listed.code == 0, listed.output()
    seen = {(row["system"], row["symptom"]) for row in json.loads(listed.stdout)}
    for system in yaml.safe_load(path.read_text())["systems"]:
        runbook = yaml.safe_load((PROJECT / "runbooks" / f"{system}.yaml").read_text())
        wanted = {name for name in runbook["symptoms"] if name.split(".")[0] not in LEFT_OUT.get(path.name, set())}
        missing = {symptom for symptom in wanted if (system, symptom) not in seen}
        assert not missing, f"{path.name} lacks the settings for {', '.join(sorted(missing))}"
