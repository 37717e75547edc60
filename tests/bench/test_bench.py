"""`python -m bench` measures and prints. Only its output format is tested: the times need an idle machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bench.against import upper_bound
from bench.measuring import PROJECT
from bench.sweep import PARTS
from tools.toolbox import is_there

if TYPE_CHECKING:
    from pathlib import Path

GOALS = {"startup": 1, "installed": 1, "quick": 1, "full-run": 4, "restore": 1, "sweep": 6}
GIT = ("git", "-c", "safe.directory=*")


def bench(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "bench", "--quick", *arguments]
    env = os.environ | variables
    return subprocess.run(words, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", GOALS)
def test_benchmark_prints_medians_ratio_and_goal(name: str, tmp_path: Path) -> None:
    if name == "sweep" and not all(is_there(part) for part in PARTS):
        pytest.skip("its contenders are not fetched yet (`make bench`)")
    done = bench(name, "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("machine: ")
    assert done.stdout.count("goal at most") == GOALS[name]
    figures = json.loads((tmp_path / f"{name}.json").read_text())
    assert figures["machine"]["cores"] >= 1
    for command in figures["commands"]:
        assert_measured_once(command)
    for goal in figures["goals"]:
        assert goal["is_met"] == (goal["ratio"] <= goal["at_most"])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["startup", "quick", "sweep"])
def test_comparison_prints_ratio_bound_and_verdict(name: str, tmp_path: Path) -> None:
    if "worktree" not in worktrees():
        pytest.skip("not a git checkout")
    done = bench("--against", "HEAD", name, "--out", str(tmp_path), TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"  {name}: wall " in done.stdout
    [compared] = json.loads((tmp_path / "against.json").read_text())["compared"]
    assert compared["is_held"] == (compared["wall_bound"] <= 1.1) == ("NOT HELD" not in done.stdout)
    for command in compared["commands"]:
        assert_measured_once(command)
    assert str(tmp_path) not in worktrees()


def assert_measured_once(command: dict[str, Any]) -> None:
    [run] = command["runs"]
    assert run == {"wall_s": command["median_wall_s"], "cpu_s": command["median_cpu_s"]}
    assert run["wall_s"] > 0
    assert run["cpu_s"] > 0


def worktrees() -> str:
    words = [*GIT, "worktree", "list", "--porcelain"]
    return subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False).stdout


def test_upper_bound_grows_with_the_spread_of_the_pairs() -> None:
    calm = [1 + number / 1000 for number in range(-10, 11)]
    busy = [1 + number / 25 for number in range(-10, 11)]
    assert upper_bound([1.0] * 20) == 1.0
    assert 1.0 < upper_bound(calm) <= 1.01 < upper_bound(busy) < 1.4
    assert upper_bound(busy) == upper_bound(busy)


def test_unknown_name_is_refused_with_the_known_names() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert "unknown benchmark: speed" in done.stderr
    assert "installed" in done.stderr


def test_unknown_commit_is_not_measured() -> None:
    done = bench("--against", "0" * 40, "startup")
    assert done.returncode == 2
    assert "not measured" in done.stdout
