"""Do checks wait together? 80 that each wait 50 ms, against 80 that don't, and against eight processes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import Command, in_turns
from bench.synthetic import write_checks, write_environment

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 9
WAIT_S = 0.05


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """The same checks three ways."""
    environment = write_environment(folder)
    words = (sys.executable, "-m", "runbook_checks.cli.main", "--env", str(environment), "--out", str(folder / "out"))
    waiting, instant = str(write_checks(folder, WAIT_S)), str(write_checks(folder, 0))
    together = Command("80 checks of 50 ms", (*words, waiting))
    at_once = Command("80 checks of 0 ms", (*words, instant))
    spread = Command("80 checks of 50 ms, -n 8", (*words, waiting, "-n", "8"))
    in_turns([together, at_once, spread], rounds)
    return Figures(
        [together, at_once, spread],
        [
            Goal.against("50 ms against 0 ms", together, at_once, 1.7),
            Goal.against("together against -n 8", together, spread, 0.16),
        ],
    )
