"""Write docs/detection.md, the readable figures of the detection matrix."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from quality.matrix.figures import Entry, Figures

HEAD = """\
# How reliable are the checks?

`make matrix` writes this page from runs of the product against the lab with all its systems; do not edit it. A fault
breaks one system in one way and belongs to one symptom and one cause. Each run makes all checks. A fault is *detected*
if its symptom is found with its cause. Everything else that a run finds or reports as unknown must be explained by the
fault's own finding; anything unexplained is a *false alarm*.
"""


def as_markdown(figures: Figures) -> str:
    parts = (_summary, _healthy, _outages, _pairs, _wrong, _twice, _symptoms)
    return "\n".join([HEAD, *(line for part in parts for line in part(figures))])


def _summary(figures: Figures) -> Iterator[str]:
    yield f"Measured on {figures.machine}.\n"
    yield "| system | faults | detected | false alarms | run, median | check, median |"
    yield "|---|---|---|---|---|---|"
    by_system = _grouped(figures.faults, lambda name: name.rpartition("@")[2])
    for system, entries in sorted(by_system.items()):
        yield _row(system, entries)
    if len(by_system) > 1:
        yield _row("all", list(figures.faults.values()))
    yield ""


def _row(system: str, entries: list[Entry]) -> str:
    undetected = sum(any(wrong.startswith("not detected") for wrong in entry.wrong) for entry in entries)
    alarms = sum(wrong.startswith("false alarm") for entry in entries for wrong in entry.wrong)
    detected = f"{100 * (1 - undetected / len(entries)):.3g} %"
    run_s, check_s = median(entry.run_s for entry in entries), median(entry.check_s for entry in entries)
    return f"| {system} | {len(entries)} | {detected} | {alarms} | {run_s:.1f} s | {check_s:.2f} s |"


def _healthy(figures: Figures) -> Iterator[str]:
    if not figures.healthy:
        return
    yield "## The healthy lab\n\n| runs | how | found or unknown | run, median |\n|---|---|---|---|"
    for how, runs in figures.healthy.items():
        yield f"| {runs.runs} | {how} | {len(runs.wrong)} | {runs.run_s:.1f} s |"
    yield ""


def _outages(figures: Figures) -> Iterator[str]:
    if figures.outages:
        well = sum(not entry.wrong for entry in figures.outages.values())
        yield "## Checks without a source are unknown\n"
        yield f"{len(figures.outages)} runs had a source or a privilege removed. In {well} of them every"
        yield "check that needs it was unknown.\n"


def _pairs(figures: Figures) -> Iterator[str]:
    if figures.pairs:
        well = sum(not entry.wrong for entry in figures.pairs.values())
        yield "## Two faults at once\n"
        yield f"In {well} of {len(figures.pairs)} runs both faults were detected, as two root causes or as"
        yield "one explained by the other, and there was no false alarm.\n"


def _wrong(figures: Figures) -> Iterator[str]:
    if figures.wrong:
        yield "## Deviations\n"
        yield from (f"- {sentence}" for sentence in figures.wrong)
        yield ""


def _twice(figures: Figures) -> Iterator[str]:
    entries = [*figures.faults.items(), *figures.outages.items(), *figures.pairs.items()]
    twice = [(name, entry.first) for name, entry in entries if entry.first]
    if twice:
        yield "## Deviations in the first run only\n"
        yield "These runs deviated the first time, usually because the machine was busy, and were correct when"
        yield "repeated alone:\n"
        yield from (f"- {name}: {first}" for name, first in twice)
        yield ""


def _symptoms(figures: Figures) -> Iterator[str]:
    yield "## Every symptom\n"
    yield "*Explains*: areas of the other results that were found or unknown in these runs. Times are the longest.\n"
    yield "| symptom | faults | explains | run | check |\n|---|---|---|---|---|"
    for symptom, entries in sorted(_grouped(figures.faults, lambda name: name.partition(":")[0]).items()):
        explained = ", ".join(sorted({area for entry in entries for area in entry.explains}))
        run_s, check_s = (max(times) for times in zip(*((e.run_s, e.check_s) for e in entries), strict=True))
        yield f"| {symptom} | {len(entries)} | {explained} | {run_s:.1f} s | {check_s:.2f} s |"
    yield ""


def _grouped(entries: Mapping[str, Entry], key: Callable[[str], str]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for name, entry in entries.items():
        groups.setdefault(key(name), []).append(entry)
    return groups
