"""Does a whole run take little more than its slowest check?"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import Command, in_turns
from runbook_checks_lab.systems import SYSTEMS
from tests.harness import started_lab

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import LabClient

ROUNDS = 7


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Every check of each system against a running lab: within twice its slowest check, and start-up."""
    with started_lab(folder, *SYSTEMS) as lab:
        each = [_of_system(lab, system, rounds) for system in SYSTEMS]
    return Figures([c for figures in each for c in figures.commands], [g for figures in each for g in figures.goals])


def _of_system(lab: LabClient, system: str, rounds: int) -> Figures:
    words = (sys.executable, "-m", "pytest", "--env", "lab", "--system", system)
    variables = {"CHECKS_LAB": str(lab.state), "CHECKS_OUT": str(lab.out)}
    whole = Command(f"pytest --env lab --system {system}", words, variables=variables)
    start = Command("the same, --collect-only", (*words, "--collect-only"), variables=variables)
    slowest: list[float] = []

    def note(command: Command) -> None:
        if command is whole:
            slowest.append(_slowest_s(lab.out / "latest" / "results.json"))

    in_turns([whole, start], rounds, after_each=note)
    limits = [2 * check_s + run.wall_s for check_s, run in zip(slowest, start.runs, strict=True)]
    return Figures([whole, start], [Goal(f"{system} against 2 x slowest check + start-up", whole, limits, 1.0)])


def _slowest_s(results: Path) -> float:
    return max(float(result["duration_s"]) for result in json.loads(results.read_text())["results"])
