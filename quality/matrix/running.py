"""Run the matrix: assign faults to hundreds of runs, with two labs side by side."""

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

from quality.matrix.judging import Row, judged, without_source
from quality.matrix.secrets import leaks, planted
from runbook_checks_lab.registry import faults, outages
from tests.harness import started_lab
from tests.listed import with_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runbook_checks_lab.registry import Change
    from tests.harness import LabClient

SEED = 20
Work = tuple["Change", ...]
"""Simultaneous faults of one system, usually one; or one outage."""
Round = tuple[Work, ...]
"""Work of different systems in one run; results of one system must come from its own faults."""


def single_faults(systems: Iterable[str], only: str = "") -> list[Work]:
    return [(fault,) for fault in faults(systems).values() if only in fault.full_name]


def single_outages(systems: Iterable[str], only: str = "") -> list[Work]:
    """Return the outages that must have an effect; `only` may name the outage or a symptom that it hides."""
    hiding = [outage for outage in outages(systems).values() if outage.hides]
    return [(outage,) for outage in hiding if any(only in name for name in (outage.full_name, *outage.hides))]


def pairs(systems: Sequence[str], count: int, only: str = "") -> list[Work]:
    """Return pairs of simultaneous faults in different areas of a system; always the same pairs."""
    made: list[Work] = []
    for system in systems:
        fitting = [
            pair
            for pair in itertools.combinations(faults([system]).values(), 2)
            if pair[0].name.partition(".")[0] != pair[1].name.partition(".")[0]
        ]
        made += random.Random(SEED).sample(fitting, min(count // len(systems), len(fitting)))  # noqa: S311  no secret
    return [pair for pair in made if any(only in fault.full_name for fault in pair)]


def rounds(work: Sequence[Work]) -> list[Round]:
    """Distribute the work over as few runs as possible: one fault of each system at a time; shared changes alone."""
    shared, waiting = list[Round](), dict[str, list[Work]]()
    for changes in random.Random(SEED).sample(work, len(work)):  # noqa: S311  so that areas mix
        if changes[0].is_shared:
            shared.append((changes,))
        else:
            waiting.setdefault(changes[0].system, []).append(changes)
    return shared + [tuple(filter(None, row)) for row in itertools.zip_longest(*waiting.values())]


def rows(systems: Sequence[str], work: Sequence[Work], jobs: int, report: Callable[[Row], None]) -> list[Row]:
    """Return a row for each piece of work; a deviating run is repeated once, alone."""
    made = {tuple(row.faults): row for row in _made(systems, rounds(work), jobs, report)}
    doubtful = [changes for changes in work if made[_names(changes)].wrong]
    for row in _made(systems, [(changes,) for changes in doubtful], 1, report) if doubtful else ():
        row.first = made[tuple(row.faults)].wrong
        made[tuple(row.faults)] = row
    return [made[_names(changes)] for changes in work]


def _names(changes: Work) -> tuple[str, ...]:
    return tuple(change.full_name for change in changes)


def _made(systems: Sequence[str], work: Iterable[Round], jobs: int, report: Callable[[Row], None]) -> list[Row]:
    """Each job has its own lab with all systems."""
    waiting = iter(work)
    with tempfile.TemporaryDirectory(prefix="runbook-checks-matrix-") as folder, ThreadPoolExecutor(jobs) as threads:

        def job(number: int) -> list[Row]:
            place = Path(folder) / str(number)
            place.mkdir()
            made: list[Row] = []
            with started_lab(place, *systems) as lab:
                for several in waiting:
                    new = _rows(lab, several)
                    made += new
                    for row in new:
                        report(row)
            return made

        return [row for part in threads.map(job, range(jobs)) for row in part]


def _rows(lab: LabClient, work: Round) -> list[Row]:
    known = planted(lab)
    flat = [change for changes in work for change in changes]
    is_outage = bool(flat[0].hides)
    symptoms = (symptom for change in flat for symptom in change.hides or [change.name.partition(":")[0]])
    with (lab.outage if is_outage else lab.fault)(*(change.full_name for change in flat)):
        begun = time.monotonic()
        ran = lab.check(*with_drills(symptoms))
        run_s = time.monotonic() - begun
    idle = set(lab.systems) - {change.system for change in flat}
    document = ran.document
    made = [
        without_source(changes[0], document) if is_outage else judged(changes, document, run_s, idle)
        for changes in work
    ]
    leaked = leaks(ran, known)
    for row in made:
        row.leaks = leaked
    if ran.folder:
        shutil.rmtree(ran.folder, ignore_errors=True)
    return made


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Keep the machine busy with other processes."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def healthy(systems: Sequence[str], count: int, *arguments: str) -> list[Row]:
    """Run the healthy lab repeatedly, one run after another in the same lab."""
    with (
        tempfile.TemporaryDirectory(prefix="runbook-checks-matrix-") as folder,
        started_lab(Path(folder), *systems) as lab,
    ):
        made = []
        for _ in range(count):
            begun = time.monotonic()
            ran = lab.check(*arguments)
            made.append(judged((), ran.document, time.monotonic() - begun, systems))
    return made
