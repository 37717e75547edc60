"""The command `python -m bench [--against COMMIT] [NAME ...]`: print each benchmark's ratio, goal and verdict."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import against, full_run, installed, quick, restore, startup, sweep
from bench.machine import machine
from bench.measuring import NotMeasured

if TYPE_CHECKING:
    from bench.goals import Figures

OUT = Path(__file__).resolve().parent / "out"
BENCHMARKS = {
    "startup": startup,
    "installed": installed,
    "quick": quick,
    "full-run": full_run,
    "restore": restore,
    "sweep": sweep,
}


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if all was measured, 1 with --strict and a missed goal, 2 if a benchmark could not be measured."""
    given = _arguments(arguments)
    where = machine()
    print("machine: {cpu}, {cores} cores, Python {python}, {system}, load {load}".format(**where))
    if given.quick:
        print("quick: one round each; the figures are only rough")
    measured, missed = (_compared if given.against else _all)(given, where)
    print(f"\nfigures of every run: {given.out}")
    return 2 if not measured else 1 if missed and given.strict else 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure how fast the suite is, in ratios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)} (all)")
    parser.add_argument("--quick", action="store_true", help="one round each, to check that they work")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a goal is missed")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="where the figures go (bench/out)")
    parser.add_argument(
        "--against", metavar="COMMIT", help=f"compare with this commit: {', '.join(against.BENCHMARKS)}"
    )
    parser.add_argument("--pairs", type=int, default=against.PAIRS, help="runs of each commit (%(default)s)")
    given = parser.parse_args(arguments)
    known = list(against.BENCHMARKS if given.against else BENCHMARKS)
    unknown = [name for name in given.names if name not in known]
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(unknown)} (known: {', '.join(known)})")
    given.names = given.names or known
    given.pairs = 1 if given.quick else given.pairs
    return given


def _all(given: argparse.Namespace, where: dict[str, Any]) -> tuple[bool, bool]:
    """Return whether all were measured, and whether a goal was missed."""
    is_whole, is_missed = True, False
    for name in given.names:
        print(f"\n{name}: {(BENCHMARKS[name].__doc__ or '').splitlines()[0]}", flush=True)
        try:
            figures = _measured(name, quick=given.quick)
        except NotMeasured as why:
            print(f"  not measured: {why}", flush=True)
            is_whole = False
            continue
        _show(figures)
        is_missed |= not all(goal.is_met for goal in figures.goals)
        _write(given.out / f"{name}.json", {"machine": where, "quick": given.quick, **figures.plain()})
    return is_whole, is_missed


def _compared(given: argparse.Namespace, where: dict[str, Any]) -> tuple[bool, bool]:
    """Return whether all were compared, and whether one is slower than the other commit."""
    is_missed, done = False, []
    print(f"\nthis tree against {given.against}", flush=True)
    with tempfile.TemporaryDirectory(prefix="runbook-checks-bench-") as folder:
        try:
            for comparison in against.compare(given.against, given.names, Path(folder), given.pairs):
                print(f"  {comparison}", flush=True)
                is_missed |= not comparison.is_held
                done.append(comparison.plain())
        except NotMeasured as why:
            print(f"  not measured: {why}", flush=True)
    _write(given.out / "against.json", {"machine": where, "commit": given.against, "compared": done})
    return len(done) == len(given.names), is_missed


def _measured(name: str, *, quick: bool) -> Figures:
    benchmark: Any = BENCHMARKS[name]
    with tempfile.TemporaryDirectory(prefix="runbook-checks-bench-") as folder:
        figures: Figures = benchmark.measure(Path(folder), rounds=1 if quick else benchmark.ROUNDS)
    return figures


def _show(figures: Figures) -> None:
    for command in figures.commands:
        print(f"  {command.title:<50} {command.wall_s:6.3f} s   CPU {command.cpu_s:6.3f} s")
    for goal in figures.goals:
        print(f"  {goal}", flush=True)


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
