"""python -m bench [--quick] [--strict] [NAME ...]: what is measured, its ratio, its goal, and whether that is met."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import concurrency, diagnosis, full_run, restore, startup, sweep
from bench.machine import machine
from bench.measuring import NotMeasured

if TYPE_CHECKING:
    from bench.goals import Figures

OUT = Path(__file__).resolve().parent / "out"
BENCHMARKS = {
    "startup": startup,
    "concurrency": concurrency,
    "full-run": full_run,
    "diagnosis": diagnosis,
    "restore": restore,
    "sweep": sweep,
}


def main(arguments: list[str] | None = None) -> int:
    """0 when all was measured, 1 with --strict and a goal missed, 2 when something could not be measured."""
    given = _arguments(arguments)
    where = machine()
    print("machine: {cpu}, {cores} cores, Python {python}, {system}, load {load}".format(**where))
    if given.quick:
        print("quick: one round each; the figures show the shape, no more")
    missed, failed = [], []
    for name in given.names or BENCHMARKS:
        print(f"\n{name}: {(BENCHMARKS[name].__doc__ or '').splitlines()[0]}", flush=True)
        try:
            figures = _measured(name, quick=given.quick)
        except NotMeasured as why:
            print(f"  not measured: {why}", flush=True)
            failed.append(name)
            continue
        _tell(figures)
        missed += [goal for goal in figures.goals if not goal.is_met]
        _write(given.out / f"{name}.json", {"machine": where, "quick": given.quick, **figures.plain()})
    print(f"\nfigures of every run: {given.out}")
    return 2 if failed else 1 if missed and given.strict else 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="How quick the suite is, in ratios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)} (all)")
    parser.add_argument("--quick", action="store_true", help="one round each, to see that they work")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a goal is missed")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="where the figures go (bench/out)")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are: {', '.join(BENCHMARKS)})")
    return given


def _measured(name: str, *, quick: bool) -> Figures:
    benchmark: Any = BENCHMARKS[name]
    with tempfile.TemporaryDirectory(prefix="runbook-checks-bench-") as folder:
        figures: Figures = benchmark.measure(Path(folder), rounds=1 if quick else benchmark.ROUNDS)
    return figures


def _tell(figures: Figures) -> None:
    for command in figures.commands:
        print(f"  {command.title:<44} {command.wall_s:6.3f} s   processor {command.cpu_s:6.3f} s")
    for goal in figures.goals:
        print(f"  {goal}", flush=True)


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
