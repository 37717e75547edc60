"""Does `python -m bench` measure and tell? For its shape only: times are for a calm machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.diagnosis import TOOLS
from bench.measuring import PROJECT
from bench.sweep import PARTS
from tools.toolbox import is_there

if TYPE_CHECKING:
    from pathlib import Path

GOALS = {"startup": 1, "concurrency": 2, "full-run": 4, "diagnosis": 1, "restore": 1, "sweep": 6}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "bench", "--quick", *arguments]
    return subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.parametrize("name", GOALS)
def test_benchmark_tells_medians_ratio_and_goal(name: str, tmp_path: Path) -> None:
    if name == "diagnosis" and any(shutil.which(tool) is None for tool in TOOLS):
        pytest.skip(f"needs {', '.join(TOOLS)}")
    if name == "sweep" and not all(is_there(part) for part in PARTS):
        pytest.skip("its contenders are fetched by `make bench`, and not here yet")
    done = bench(name, "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("machine: ")
    assert done.stdout.count("goal at most") == GOALS[name]
    figures = json.loads((tmp_path / f"{name}.json").read_text())
    assert figures["machine"]["cores"] >= 1
    for command in figures["commands"]:
        assert command["median_wall_s"] > 0
        assert command["median_cpu_s"] > 0
        assert len(command["runs"]) == 1
    for goal in figures["goals"]:
        assert goal["is_met"] == (goal["ratio"] <= goal["at_most"])


def test_unknown_name_is_refused_with_what_there_is() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert "no such benchmark: speed" in done.stderr
    assert "concurrency" in done.stderr
