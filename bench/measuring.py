"""Measure commands. Compared commands run in turns, so that a busy machine affects all alike."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PROJECT = Path(__file__).resolve().parent.parent
# The caller's own settings would change the figures, most of all PYTHONDONTWRITEBYTECODE, which disables bytecode.
_OTHERS = ("PYTEST_", "PYTHON", "CHECKS_", "LAB_", "PG")


class NotMeasured(Exception):
    """A benchmark that cannot run here; the message says why."""


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a measured process: the caller's without settings, and these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
    return {**kept, "COLUMNS": "80", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **(variables or {})}


@dataclass(frozen=True)
class Took:
    """The cost of one run: wall time, and CPU time including every process it waited for."""

    wall_s: float
    cpu_s: float


@dataclass
class Command:
    """A command that is run repeatedly."""

    title: str
    words: Sequence[str]
    folder: Path = PROJECT
    variables: Mapping[str, str] = field(default_factory=dict)
    runs: list[Took] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        return median(run.wall_s for run in self.runs)

    @property
    def cpu_s(self) -> float:
        return median(run.cpu_s for run in self.runs)

    def run(self) -> Took:
        """Run it once; raise NotMeasured with the end of its output if it fails."""
        with tempfile.TemporaryFile() as said:
            begun = time.perf_counter()
            child = subprocess.Popen(
                self.words, cwd=self.folder, env=environment(self.variables),
                stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip
            _, status, usage = os.wait4(child.pid, 0)
            took = Took(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                said.seek(0)
                tail = said.read().decode(errors="replace").strip().splitlines()[-12:]
                raise NotMeasured(f"{self.title}: exit code {child.returncode}\n" + "\n".join(tail))
        return took

    def plain(self) -> dict[str, Any]:
        return {
            "command": self.title,
            "median_wall_s": round(self.wall_s, 4),
            "median_cpu_s": round(self.cpu_s, 4),
            "runs": [{name: round(value, 4) for name, value in asdict(run).items()} for run in self.runs],
        }


def in_turns(commands: Sequence[Command], rounds: int, after_each: Callable[[Command], None] | None = None) -> None:
    """Run the commands in turns, with an unmeasured round first if needed, so that bytecode and caches exist."""
    for command in commands if rounds > 1 else ():
        command.run()
    for number in range(rounds):
        # Every second round is reversed, so that no command always comes first.
        for command in commands if number % 2 == 0 else reversed(commands):
            command.runs.append(command.run())
            if after_each is not None:
                after_each(command)
