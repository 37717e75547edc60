"""python -m quality.matrix [--only TEXT] [--write]: run every fault and outage against every check."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.machine import machine
from quality.matrix import running
from quality.matrix.figures import AND, Entry, Figures, Healthy, as_json
from quality.matrix.page import as_markdown
from runbook_checks_lab.registry import faults, outages
from runbook_checks_lab.systems import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from quality.matrix.judging import Row

JSON = Path(__file__).resolve().parents[2] / "docs" / "detection.json"
MARKDOWN = JSON.with_suffix(".md")
STAGES = ("faults", "outages", "pairs", "healthy")
OF_A_SELECTION = STAGES[:2]


def main() -> int:
    """Return 0 if every fault is detected and nothing else is reported, otherwise 1."""
    given = _arguments()
    if given.render:
        MARKDOWN.write_text(as_markdown(Figures.read(JSON.read_text())))
        return 0
    systems = given.system or list(SYSTEMS)
    stages = given.stage or (OF_A_SELECTION if given.only else STAGES)
    work = {
        "faults": running.single_faults(systems, given.only),
        "outages": running.single_outages(systems, given.only),
        "pairs": running.pairs(systems, given.pairs, given.only),
    }
    work = {stage: some for stage, some in work.items() if stage in stages and some}
    if given.only and not work:
        sys.exit(f"no fault and no outage has {given.only!r} in its name: see `runbook-checks lab --list`")
    begun, report = time.monotonic(), _reporter(sum(map(len, work.values())))
    figures = Figures("{cpu}, {cores} cores, Python {python}".format(**machine()))
    for stage, some in work.items():
        made = running.rows(systems, some, given.jobs, report)
        entry = Entry.of if stage == "faults" else Entry.without_times
        setattr(figures, stage, {AND.join(row.faults): entry(row) for row in made})
        if given.write:
            _write(figures, is_part=True)
    if "healthy" in stages:
        figures.healthy = _healthy(systems, given.healthy)
    if given.write:
        _write(figures, is_part=bool(given.only or given.system or set(stages) != set(STAGES)))
    counts = ", ".join(f"{len(some)} {stage}" for stage, some in work.items())
    summary = f"{counts or 'healthy'}; {len(figures.wrong)} wrong; {time.monotonic() - begun:.0f} s"
    print("\n".join([*figures.wrong, summary]))
    return 1 if figures.wrong else 0


def _reporter(total: int) -> Callable[[Row], None]:
    begun, done = time.monotonic(), 0

    def report(row: Row) -> None:
        nonlocal done
        done += 1
        if row.wrong:
            print(f"\n{AND.join(row.faults)}: {'; '.join(row.wrong)}", flush=True)
        elif done % 20 == 0:
            print(f"{done} of {total} after {time.monotonic() - begun:.0f} s", flush=True)

    return report


def _write(figures: Figures, *, is_part: bool) -> None:
    """Write the figures; a part of the matrix replaces only its own entries."""
    if is_part and JSON.is_file():
        known = {*faults(), *outages()}
        figures = Figures.read(JSON.read_text()).renewed(figures).without(lambda name: name not in known)
    JSON.write_text(as_json(figures))
    MARKDOWN.write_text(as_markdown(figures))


def _healthy(systems: list[str], count: int) -> dict[str, Healthy]:
    few = max(1, count // 4)
    idle_machine = {
        "one after another": running.healthy(systems, count),
        "with -n 4": running.healthy(systems, few, "-n", "4"),
    }
    with running.load(processes=4):
        busy = {"with four other busy processes": running.healthy(systems, few)}
    return {how: Healthy.of(rows) for how, rows in {**idle_machine, **busy}.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m quality.matrix", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--system", action="append", choices=list(SYSTEMS), help="only this system (repeatable)")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="faults and outages of symptoms with this in the name"
    )
    parser.add_argument("--stage", nargs="+", choices=STAGES, help="only these stages (all; with --only the first two)")
    parser.add_argument("--pairs", type=int, default=60, metavar="N", help="pairs of faults at once (60)")
    parser.add_argument("--healthy", type=int, default=20, metavar="N", help="runs of the healthy lab (20)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="labs at once (2)")
    parser.add_argument("--write", action="store_true", help="write docs/detection.md and docs/detection.json")
    parser.add_argument("--render", action="store_true", help="only write docs/detection.md from docs/detection.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
