"""Compare this working tree with another commit: alternating runs, and an upper bound of their median ratio."""

from __future__ import annotations

import random
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from bench import full_run, quick, startup, sweep
from bench.domains.world import world
from bench.measuring import PROJECT, NotMeasured, in_turns
from bench.side import Side, virtual_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.measuring import Command

PAIRS = 20
AT_MOST = 1.10
RESAMPLES = 10_000
GIT = ("git", "-c", "safe.directory=*")


@dataclass(frozen=True)
class Comparison:
    """One benchmark on both sides. Wall time decides; CPU time varies less on a busy machine."""

    name: str
    new: Command
    old: Command

    @property
    def wall(self) -> list[float]:
        """Return the ratio of new to old for each pair."""
        return [new.wall_s / old.wall_s for new, old in zip(self.new.runs, self.old.runs, strict=True)]

    @property
    def cpu(self) -> list[float]:
        return [new.cpu_s / old.cpu_s for new, old in zip(self.new.runs, self.old.runs, strict=True)]

    @property
    def is_held(self) -> bool:
        return upper_bound(self.wall) <= AT_MOST

    def __str__(self) -> str:
        wall, cpu = (f"{median(ratios):.3f} (at most {upper_bound(ratios):.3f})" for ratios in (self.wall, self.cpu))
        verdict = "held" if self.is_held else "NOT HELD"
        return f"{self.name}: wall {wall}, CPU {cpu}, {len(self.wall)} pairs, goal at most {AT_MOST:.2f}: {verdict}"

    def plain(self) -> dict[str, Any]:
        bounds = {"wall_bound": upper_bound(self.wall), "cpu_bound": upper_bound(self.cpu)}
        medians = {"wall": median(self.wall), "cpu": median(self.cpu)}
        commands = [self.new.plain(), self.old.plain()]
        return {"name": self.name, **medians, **bounds, "is_held": self.is_held, "commands": commands}


def upper_bound(ratios: Sequence[float]) -> float:
    """Return the upper 95 % bound of the median ratio, from resampled pairs (bootstrap); deterministic."""
    dice = random.Random(95)  # noqa: S311  statistics, not secrets
    medians = [median(dice.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES)]
    return quantiles(medians, n=20)[-1]


def compare(commit: str, names: Sequence[str], folder: Path, pairs: int) -> Iterator[Comparison]:
    """Compare the benchmarks with these names, one after the other."""
    with checkout(commit, folder / "old") as there:
        new = _side("new", PROJECT, folder / "new-venv")
        old = _side("old", there, folder / "old-venv")
        for name in names:
            with BENCHMARKS[name](new, old, folder / name) as commands:
                in_turns(commands, pairs)
            yield Comparison(name, *commands)


@contextmanager
def checkout(commit: str, folder: Path) -> Iterator[Path]:
    """Check out a worktree of this commit, with the lab's programs that this one has fetched."""
    _git("worktree", "add", "--detach", str(folder), commit)
    try:
        (folder / ".toolbox").symlink_to(PROJECT / ".toolbox")
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*words: str) -> None:
    try:
        done = subprocess.run([*GIT, *words], cwd=PROJECT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotMeasured(f"git: {error.strerror}") from None
    if done.returncode:
        raise NotMeasured(done.stderr.strip())


def _side(title: str, folder: Path, environment: Path) -> Side:
    """Return a side with its own virtual environment; both sides are set up in the same way."""
    sources = [folder / "src", folder / "lab" / "src"]
    # The engine's packages used to be at the top, and not in src/.
    sources = sources if sources[0].is_dir() else [folder]
    return Side(title, folder, str(virtual_environment(environment, *sources)))


@contextmanager
def _startup(new: Side, old: Side, _: Path) -> Iterator[list[Command]]:
    yield [startup.command(new), startup.command(old)]


@contextmanager
def _quick(new: Side, old: Side, folder: Path) -> Iterator[list[Command]]:
    folder.mkdir()
    with new.lab(folder / "new") as news, old.lab(folder / "old") as olds:
        yield [quick.command(new, news), quick.command(old, olds)]


@contextmanager
def _full_run(new: Side, old: Side, folder: Path) -> Iterator[list[Command]]:
    folder.mkdir()
    with new.lab(folder / "new") as news, old.lab(folder / "old") as olds:
        yield [full_run.command(new, news), full_run.command(old, olds)]


@contextmanager
def _sweep(new: Side, old: Side, folder: Path) -> Iterator[list[Command]]:
    with world(folder, sweep.COUNT) as among:
        yield [sweep.contender("sweep", among, new), sweep.contender("sweep", among, old)]


BENCHMARKS: dict[str, Callable[[Side, Side, Path], Any]] = {
    "startup": _startup,
    "quick": _quick,
    "full-run": _full_run,
    "sweep": _sweep,
}
