"""Does a whole run take little more than its slowest check?"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import Command, in_turns
from tests.harness import started_lab

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 7
SYSTEM = "ai-customer-service"


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Every check of AI Customer Service against a running lab: within twice the slowest check, and start-up."""
    with started_lab(folder, SYSTEM) as lab:
        words = (sys.executable, "-m", "pytest", "--env", "lab", "--system", SYSTEM)
        variables = {"CHECKS_LAB": str(lab.state), "CHECKS_OUT": str(lab.out)}
        whole = Command(f"pytest --env lab --system {SYSTEM}", words, variables=variables)
        start = Command("the same, --collect-only", (*words, "--collect-only"), variables=variables)
        slowest: list[float] = []

        def note(command: Command) -> None:
            if command is whole:
                slowest.append(_slowest_s(lab.out / "latest" / "results.json"))

        in_turns([whole, start], rounds, after_each=note)
    limits = [2 * check_s + run.wall_s for check_s, run in zip(slowest, start.runs, strict=True)]
    return Figures([whole, start], [Goal("whole run against 2 x slowest check + start-up", whole, limits, 1.0)])


def _slowest_s(results: Path) -> float:
    return max(float(result["duration_s"]) for result in json.loads(results.read_text())["results"])
