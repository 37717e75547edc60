"""A whole run of one system takes little longer than its slowest check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import in_turns
from bench.side import HERE
from runbook_checks_lab.systems import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measuring import Command
    from bench.side import Side

ROUNDS = 7


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Run every check of each system against a running lab: within twice its slowest check, and start-up."""
    with HERE.lab(folder / "lab") as variables:
        each = [_of_system(system, variables, rounds) for system in SYSTEMS]
    return Figures([c for figures in each for c in figures.commands], [g for figures in each for g in figures.goals])


def command(side: Side, variables: Mapping[str, str], system: str = "ai-customer-service") -> Command:
    return side.pytest("--system", system, variables=variables)


def _of_system(system: str, variables: Mapping[str, str], rounds: int) -> Figures:
    whole = command(HERE, variables, system)
    start = HERE.pytest("--system", system, "--collect-only", variables=variables)
    slowest: list[float] = []

    def note(run: Command) -> None:
        if run is whole:
            slowest.append(_slowest_s(Path(variables["CHECKS_OUT"]) / "latest" / "results.json"))

    in_turns([whole, start], rounds, after_each=note)
    limits = [2 * check_s + run.wall_s for check_s, run in zip(slowest, start.runs, strict=True)]
    return Figures([whole, start], [Goal(f"{system} against 2 x slowest check + start-up", whole, limits, 1.0)])


def _slowest_s(results: Path) -> float:
    return max(float(result["duration_s"]) for result in json.loads(results.read_text())["results"])
