"""Start-up: collect the health checks, against a pytest that has nothing to load."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import Command, in_turns
from bench.side import HERE

if TYPE_CHECKING:
    from pathlib import Path

    from bench.side import Side

ROUNDS = 15
WORDS = ("-m", "health", "--collect-only")
AT_MOST = 1.7


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Collect the health checks, and one empty test in an empty folder."""
    product, bare = command(HERE), bare_pytest(folder)
    in_turns([product, bare], rounds)
    return Figures([product, bare], [Goal.against("start-up against bare pytest", product, bare, AT_MOST)])


def command(side: Side) -> Command:
    return side.pytest(*WORDS)


def bare_pytest(folder: Path, python: str = sys.executable) -> Command:
    """Return a command that collects one empty test: the time a user waits in any case."""
    empty = folder / "empty"
    empty.mkdir()
    (empty / "test_empty.py").write_text("def test_nothing():\n    pass\n")
    return Command("bare pytest --collect-only", (python, "-m", "pytest", "--collect-only", "test_empty.py"), empty)
