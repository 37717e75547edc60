"""Ratios of measured commands, and whether each meets its goal."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring import Command


@dataclass(frozen=True)
class Goal:
    """A run's wall time against that of another, or against a limit from several measurements."""

    text: str
    command: Command
    limits: Sequence[float]
    """The value that each run is compared with, in the order of the runs."""
    at_most: float

    @classmethod
    def against(cls, text: str, command: Command, other: Command, at_most: float) -> Goal:
        return cls(text, command, [run.wall_s for run in other.runs], at_most)

    @property
    def ratio(self) -> float:
        return self.command.wall_s / median(self.limits)

    @property
    def pairs(self) -> list[float]:
        """Return the ratio of each pair of neighbouring runs; their spread shows how busy the machine was."""
        return sorted(run.wall_s / limit for run, limit in zip(self.command.runs, self.limits, strict=True))

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.at_most

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "MISSED"
        spread = f"pairs {self.pairs[0]:.2f} to {self.pairs[-1]:.2f}"
        return f"{self.text}: {self.ratio:.2f} ({spread}), goal at most {self.at_most:g}: {verdict}"

    def plain(self) -> dict[str, Any]:
        return {
            "goal": self.text,
            "ratio": round(self.ratio, 4),
            "pairs": [round(pair, 4) for pair in self.pairs],
            "at_most": self.at_most,
            "is_met": self.is_met,
        }


@dataclass(frozen=True)
class Figures:
    """The figures of a benchmark."""

    commands: Sequence[Command]
    goals: Sequence[Goal]

    def plain(self) -> dict[str, Any]:
        return {"commands": [c.plain() for c in self.commands], "goals": [goal.plain() for goal in self.goals]}
