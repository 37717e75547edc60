"""The first run in an incident: `-m quick` over the four systems on a running lab, against bare pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import Command, in_turns
from bench.side import HERE
from bench.startup import bare_pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.side import Side

ROUNDS = 15


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Run the quick checks of all systems, and collect one empty test."""
    bare = bare_pytest(folder)
    with HERE.lab(folder / "lab") as variables:
        product = command(HERE, variables)
        in_turns([product, bare], rounds)
    return Figures([product, bare], [Goal.against("-m quick against bare pytest", product, bare, 6)])


def command(side: Side, variables: Mapping[str, str]) -> Command:
    return side.pytest("-m", "quick", variables=variables)
