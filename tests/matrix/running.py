"""How are hundreds of runs made on a machine with two cores: which faults in which lab, one after another?"""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab.registry import Change, blinds, faults
from tests.harness import started_lab
from tests.matrix.judging import Row, blinded, judged
from tests.matrix.secrets import leaks, planted
from tests.proof.test_faults import with_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.harness import LabClient, Ran

SEED = 20


def singles(systems: Iterable[str]) -> list[tuple[Change, ...]]:
    """Every fault by itself."""
    return [(fault,) for fault in faults(systems).values()]


def sources(systems: Iterable[str]) -> list[tuple[Change, ...]]:
    """Every source and every privilege that can be taken away, and whose loss must show."""
    return [(blind,) for blind in blinds(systems).values() if blind.hides]


def pairs(systems: Iterable[str], count: int) -> list[tuple[Change, ...]]:
    """Two independent faults at once: of different areas, the same ones each time."""
    every = list(faults(systems).values())
    fitting = [
        pair
        for pair in itertools.combinations(every, 2)
        if pair[0].name.partition(".")[0] != pair[1].name.partition(".")[0]
    ]
    return random.Random(SEED).sample(fitting, min(count, len(fitting)))  # noqa: S311  a choice, no secret


def rows(
    systems: Sequence[str], work: Sequence[tuple[Change, ...]], jobs: int, told: Callable[[Row], None]
) -> list[Row]:
    """A run for each entry; each job has a lab of its own with all the systems in it."""
    waiting = iter(enumerate(work))
    with tempfile.TemporaryDirectory(prefix="runbook-checks-matrix-") as folder, ThreadPoolExecutor(jobs) as threads:

        def job(number: int) -> list[tuple[int, Row]]:
            place = Path(folder) / str(number)
            place.mkdir()
            made = []
            with started_lab(place, *systems) as lab:
                for index, changes in waiting:
                    row = _blind_row(lab, changes[0]) if changes[0].hides else _row(lab, changes)
                    made.append((index, row))
                    told(row)
            return made

        done = [entry for part in threads.map(job, range(jobs)) for entry in part]
    return [row for _, row in sorted(done, key=lambda entry: entry[0])]


def _row(lab: LabClient, changes: tuple[Change, ...]) -> Row:
    known = planted(lab)
    with lab.fault(*(change.full_name for change in changes)):
        begun = time.monotonic()
        ran = lab.check(*with_drills(change.name.partition(":")[0] for change in changes))
        row = judged(changes, ran.document, time.monotonic() - begun)
    row.leaks = leaks(ran, known)
    _forget(ran)
    return row


def _blind_row(lab: LabClient, blind: Change) -> Row:
    with lab.blind(blind.full_name):
        begun = time.monotonic()
        ran = lab.check(*with_drills(blind.hides))
        row = blinded(blind, ran.document, time.monotonic() - begun)
    _forget(ran)
    return row


def _forget(ran: Ran) -> None:
    if ran.folder:
        shutil.rmtree(ran.folder, ignore_errors=True)


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Something else keeps the machine busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def healthy(systems: Sequence[str], count: int, *arguments: str) -> list[Row]:
    """Runs of the healthy lab, one after another in the same lab."""
    with (
        tempfile.TemporaryDirectory(prefix="runbook-checks-matrix-") as folder,
        started_lab(Path(folder), *systems) as lab,
    ):
        made = []
        for _ in range(count):
            begun = time.monotonic()
            ran = lab.check(*arguments)
            made.append(judged((), ran.document, time.monotonic() - begun))
    return made
