"""The lab is a separate distribution: with it installed, `--env lab` works from any folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.harness import SYSTEM
from tests.wheel import SLOW
from tests.wheel.environments import User, Venv

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = SLOW
FAULT = "health.not-ready:component-down"


@pytest.fixture
def user(lab_venv: Venv, tmp_path: Path) -> User:
    """A user with both wheels; the lab finds on PATH the programs that are not in Python packages."""
    return User(lab_venv, tmp_path / "user", path=f"{lab_venv.folder / 'bin'}:/usr/bin:/bin")


def test_lab_is_checked_from_any_folder(user: User) -> None:
    healthy = user.checks("--env", "lab", "--system", SYSTEM)
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    results = json.loads((user.work / "reports" / "out" / "latest" / "results.json").read_text())
    assert results["counts"]["clear"] > 20
    assert {path.name for path in user.work.iterdir()} == {"reports"}
    again = user.checks("--env", "lab", "--system", SYSTEM, "--fault", FAULT, "-m", "health")
    assert again.returncode == 1, again.stdout + again.stderr
    assert "FOUND  component-down" in again.stdout


def test_faults_are_listed_by_both_commands(user: User) -> None:
    by_hand = user.checks("lab", "--list")
    listed = user.checks("--env", "lab", "--list-symptoms=json")
    assert by_hand.returncode == 0, by_hand.stderr
    assert FAULT in by_hand.stdout
    assert FAULT in {fault for row in json.loads(listed.stdout) for fault in row["faults"]}
