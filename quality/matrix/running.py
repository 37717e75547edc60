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
Entry = tuple["Change", ...]
"""Faults of one system that are on together, mostly a single one; or one source taken away."""
Round = tuple[Entry, ...]
"""Entries of different systems, looked at in one run: what is said of one system must come from its own entry."""


def singles(systems: Iterable[str]) -> list[Entry]:
    """Every fault by itself."""
    return [(fault,) for fault in faults(systems).values()]


def sources(systems: Iterable[str]) -> list[Entry]:
    """Every source and every privilege that can be taken away, and whose loss must show."""
    return [(outage,) for outage in outages(systems).values() if outage.hides]


def pairs(systems: Sequence[str], count: int) -> list[Entry]:
    """Two independent faults of a system at once: of different areas, the same ones each time."""
    made: list[Entry] = []
    for system in systems:
        fitting = [
            pair
            for pair in itertools.combinations(faults([system]).values(), 2)
            if pair[0].name.partition(".")[0] != pair[1].name.partition(".")[0]
        ]
        made += random.Random(SEED).sample(fitting, min(count // len(systems), len(fitting)))  # noqa: S311  no secret
    return made


def rounds(work: Sequence[Entry]) -> list[Round]:
    """As few runs as hold every entry: one of each system at a time, and what they share by itself."""
    shared, waiting = list[Round](), dict[str, list[Entry]]()
    for entry in random.Random(SEED).sample(work, len(work)):  # noqa: S311  so that areas mix
        if entry[0].is_shared:
            shared.append((entry,))
        else:
            waiting.setdefault(entry[0].system, []).append(entry)
    return shared + [tuple(filter(None, row)) for row in itertools.zip_longest(*waiting.values())]


def rows(systems: Sequence[str], work: Sequence[Entry], jobs: int, told: Callable[[Row], None]) -> list[Row]:
    """A row for each entry; what is not as it should be is looked at once more, by itself."""
    made = {tuple(row.faults): row for row in _made(systems, rounds(work), jobs, told)}
    doubtful = [entry for entry in work if made[_names(entry)].wrong]
    for row in _made(systems, [(entry,) for entry in doubtful], 1, told) if doubtful else ():
        row.first = made[tuple(row.faults)].wrong
        made[tuple(row.faults)] = row
    return [made[_names(entry)] for entry in work]


def _names(entry: Entry) -> tuple[str, ...]:
    return tuple(change.full_name for change in entry)


def _made(systems: Sequence[str], work: Iterable[Round], jobs: int, told: Callable[[Row], None]) -> list[Row]:
    """Each job has a lab of its own with all the systems in it."""
    waiting = iter(work)
    with tempfile.TemporaryDirectory(prefix="runbook-checks-matrix-") as folder, ThreadPoolExecutor(jobs) as threads:

        def job(number: int) -> list[Row]:
            place = Path(folder) / str(number)
            place.mkdir()
            made: list[Row] = []
            with started_lab(place, *systems) as lab:
                for entries in waiting:
                    several = _rows(lab, entries)
                    made += several
                    for row in several:
                        told(row)
            return made

        return [row for part in threads.map(job, range(jobs)) for row in part]


def _rows(lab: LabClient, entries: Round) -> list[Row]:
    known = planted(lab)
    changes = [change for entry in entries for change in entry]
    is_outage = bool(changes[0].hides)
    symptoms = (symptom for change in changes for symptom in change.hides or [change.name.partition(":")[0]])
    with (lab.outage if is_outage else lab.fault)(*(change.full_name for change in changes)):
        begun = time.monotonic()
        ran = lab.check(*with_drills(symptoms))
        run_s = time.monotonic() - begun
    idle = set(lab.systems) - {change.system for change in changes}
    document = ran.document
    made = [
        without_source(entry[0], document, run_s) if is_outage else judged(entry, document, run_s, idle)
        for entry in entries
    ]
    leaked = leaks(ran, known)
    for row in made:
        row.leaks = leaked
    if ran.folder:
        shutil.rmtree(ran.folder, ignore_errors=True)
    return made


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
            made.append(judged((), ran.document, time.monotonic() - begun, systems))
    return made
