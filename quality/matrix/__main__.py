"""python -m tests.matrix [--system NAME ...] [--only TEXT] [--write]: every fault against every check."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.machine import machine
from quality.matrix import running, telling
from quality.matrix.telling import Figures
from runbook_checks_lab.registry import faults, outages
from runbook_checks_lab.systems import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quality.matrix.judging import Row

JSON = Path(__file__).resolve().parents[2] / "docs" / "detection.json"
MARKDOWN = JSON.with_suffix(".md")
STAGES = ("singles", "sources", "pairs", "healthy")


def main() -> int:
    """0 where every fault is named and nothing else claimed, else 1."""
    given = _arguments()
    systems = given.system or list(SYSTEMS)
    work = {
        "singles": [entry for entry in running.singles(systems) if given.only in entry[0].full_name],
        "sources": [entry for entry in running.sources(systems) if given.only in entry[0].full_name],
        "pairs": running.pairs(systems, given.pairs),
    }
    work = {stage: entries for stage, entries in work.items() if stage in given.stage}
    total = sum(map(len, work.values()))
    begun, done = time.monotonic(), 0

    def told(row: Row) -> None:
        nonlocal done
        done += 1
        if row.wrong:
            print(f"\n{' and '.join(row.faults)}: {'; '.join(row.wrong)}", flush=True)
        elif done % 20 == 0:
            print(f"{done} of {total} after {time.monotonic() - begun:.0f} s", flush=True)

    figures = Figures("{cpu}, {cores} cores, Python {python}".format(**machine()))
    is_part = bool(given.only or given.system or set(given.stage) != set(STAGES))
    for stage, entries in work.items():
        setattr(figures, stage, running.rows(systems, entries, given.jobs, told) if entries else [])
        if given.write:
            _write(figures, is_part=True)
    figures.healthy = _healthy(systems, given.healthy if "healthy" in given.stage else 0)
    if given.write:
        _write(figures, is_part=is_part)
    print(f"\n{figures.goals()}\nafter {time.monotonic() - begun:.0f} s")
    return 0 if figures.is_well else 1


def _write(figures: Figures, *, is_part: bool) -> None:
    """A part of the matrix renews its rows; the others stay as they were measured."""
    if is_part and JSON.is_file():
        known = {*faults(), *outages()}
        figures = Figures.read(JSON.read_text()).renewed(figures).without(lambda name: name not in known)
    JSON.write_text(telling.as_json(figures))
    MARKDOWN.write_text(telling.as_markdown(figures))


def _healthy(systems: list[str], count: int) -> dict[str, Sequence[Row]]:
    if not count:
        return {}
    few = max(1, count // 4)
    calm = {
        "one after another": running.healthy(systems, count),
        "with -n 4": running.healthy(systems, few, "-n", "4"),
    }
    with running.load(processes=4):
        return {**calm, "with four busy processes beside": running.healthy(systems, few)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument(
        "--system", action="append", choices=list(SYSTEMS), help="the lab has only this one (repeatable)"
    )
    parser.add_argument("--stage", nargs="+", choices=STAGES, default=STAGES, help="only these of: %(choices)s")
    parser.add_argument("--only", default="", metavar="TEXT", help="faults whose names hold this")
    parser.add_argument("--pairs", type=int, default=60, metavar="N", help="so many pairs of faults at once (60)")
    parser.add_argument("--healthy", type=int, default=20, metavar="N", help="so many runs of the healthy lab (20)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="so many labs at once (2)")
    parser.add_argument("--write", action="store_true", help="write docs/detection.md and docs/detection.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
