"""How long until pytest knows what to check? Against a pytest that has nothing to load."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import Command, in_turns

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 15


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Collecting the health checks, against collecting one empty test in an empty folder."""
    (folder / "test_empty.py").write_text("def test_nothing():\n    pass\n")
    pytest = (sys.executable, "-m", "pytest")
    health = (*pytest, "--env", "lab", "-m", "health", "--collect-only")
    ours = Command("pytest --env lab -m health --collect-only", health)
    bare = Command("bare pytest --collect-only", (*pytest, "--collect-only", "test_empty.py"), folder)
    in_turns([ours, bare], rounds)
    return Figures([ours, bare], [Goal.against("start-up against bare pytest", ours, bare, 2.0)])
