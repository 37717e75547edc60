"""How are the figures told? docs/detection.md for people, docs/detection.json for whoever compares."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from quality.matrix.judging import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HEAD = """\
# How good are the checks?

Made by `make matrix` from runs of the product against the lab with all its systems; don't edit. Each fault is one way
to break one system, tied to a symptom and a cause. A run with a fault looks at everything; *found* means that the
fault's symptom was, *named* that its cause was told as well. Whatever else a run finds, or can't look at, must be
explained by the fault's own finding; what isn't is a *false alarm*.
"""


@dataclass
class Figures:
    """What was measured."""

    machine: str
    singles: Sequence[Row] = ()
    sources: Sequence[Row] = ()
    pairs: Sequence[Row] = ()
    healthy: dict[str, Sequence[Row]] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        healthy = [row for rows in self.healthy.values() for row in rows]
        return not any(row.wrong for row in [*self.singles, *self.sources, *self.pairs, *healthy])

    @classmethod
    def read(cls, text: str) -> Figures:
        """From what `as_json` wrote."""
        told = json.loads(text)
        singles, sources = ([Row(**row) for row in told[name].values()] for name in ("faults", "sources"))
        healthy: dict[str, Sequence[Row]] = {
            name: [Row(**row) for row in rows] for name, rows in told["healthy"].items()
        }
        return cls(told["machine"], singles, sources, [Row(**row) for row in told["pairs"]], healthy)

    def renewed(self, newer: Figures) -> Figures:
        """With the rows of a newer and smaller run in the place of those they repeat."""
        return Figures(
            self.machine,
            _renewed(self.singles, newer.singles),
            _renewed(self.sources, newer.sources),
            _renewed(self.pairs, newer.pairs),
            self.healthy | newer.healthy,
        )

    def without(self, gone: Callable[[str], bool]) -> Figures:
        """Without the rows of faults and sources that are no more."""
        singles, sources, pairs = (
            [row for row in rows if not any(map(gone, row.faults))] for rows in (self.singles, self.sources, self.pairs)
        )
        return Figures(self.machine, singles, sources, pairs, self.healthy)

    def plain(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "goals": self.goals(),
            "faults": {row.faults[0]: row.plain() for row in self.singles},
            "sources": {row.faults[0]: row.plain() for row in self.sources},
            "pairs": [row.plain() for row in self.pairs],
            "healthy": {name: [row.plain() for row in rows] for name, rows in self.healthy.items()},
        }

    def goals(self) -> dict[str, float]:
        """The figures that must not worsen."""
        healthy = [row for rows in self.healthy.values() for row in rows]
        return {
            "faults": len(self.singles),
            "found_percent": percent(sum(bool(row.found) for row in self.singles), len(self.singles)),
            "named_percent": percent(sum(bool(row.named) for row in self.singles), len(self.singles)),
            "false_alarms": sum(len(row.unexplained) for row in self.singles),
            "leaks": sum(len(row.leaks) for row in self.singles),
            "sources": len(self.sources),
            "clear_despite_outage": sum(len(row.lied) for row in self.sources),
            "looked_at_twice": sum(bool(row.first) for row in [*self.singles, *self.sources, *self.pairs]),
            "pairs": len(self.pairs),
            "pairs_told_percent": percent(sum(not row.wrong for row in self.pairs), len(self.pairs)),
            "healthy_runs": len(healthy),
            "healthy_false_alarms": sum(len(row.unexplained) for row in healthy),
        }


def _renewed(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    rows = {tuple(row.faults): row for row in [*old, *new]}
    return list(rows.values())


def percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def as_json(figures: Figures) -> str:
    return json.dumps(figures.plain(), indent=1, ensure_ascii=False) + "\n"


def as_markdown(figures: Figures) -> str:
    return "\n".join(
        [
            HEAD,
            *_summary(figures),
            *_healthy(figures),
            *_outages(figures),
            *_pairs(figures),
            *_missed(figures),
            *_twice(figures),
            *_each(figures),
        ]
    )


def _summary(figures: Figures) -> Iterable[str]:
    yield f"Measured on {figures.machine}.\n"
    yield "| system | faults | found | cause named | false alarms | run, median | check, median |"
    yield "|---|---|---|---|---|---|---|"
    systems = sorted({_system(row) for row in figures.singles})
    for name, rows in [(s, [r for r in figures.singles if _system(r) == s]) for s in systems]:
        yield _line(name, rows)
    if len(systems) > 1:
        yield _line("all", figures.singles)
    yield ""


def _line(name: str, rows: Sequence[Row]) -> str:
    found, named = sum(bool(r.found) for r in rows), sum(bool(r.named) for r in rows)
    alarms = sum(len(r.unexplained) for r in rows)
    run_s, check_s = median(r.run_s for r in rows), median(r.check_s for r in rows)
    shares = f"{percent(found, len(rows)):g} % | {percent(named, len(rows)):g} %"
    return f"| {name} | {len(rows)} | {shares} | {alarms} | {run_s:.1f} s | {check_s:.2f} s |"


def _healthy(figures: Figures) -> Iterable[str]:
    if not figures.healthy:
        return
    yield "## The healthy lab\n\n| runs | how | found or unknown | run, median |\n|---|---|---|---|"
    for name, rows in figures.healthy.items():
        alarms = sum(len(row.unexplained) for row in rows)
        yield f"| {len(rows)} | {name} | {alarms} | {median(row.run_s for row in rows):.1f} s |"
    yield ""


def _outages(figures: Figures) -> Iterable[str]:
    if not figures.sources:
        return
    lied = [row for row in figures.sources if row.lied]
    yield "## What can't look says so\n"
    unknown = len(figures.sources) - len(lied)
    yield f"{len(figures.sources)} times a source or a privilege was taken away; the checks that need it were unknown"
    yield f"in {unknown} of these runs."
    yield from (f"- {row.faults[0]}: not unknown {', '.join(row.lied)}" for row in lied)
    seen = {name for row in [*figures.singles, *figures.sources] for name in row.unknown}
    never = sorted({name for row in figures.singles for name in row.own} - seen)
    if never:
        yield f"\nNever unknown in any run (silence is their symptom, or nothing hides it): {', '.join(never)}."
    yield ""


def _pairs(figures: Figures) -> Iterable[str]:
    if not figures.pairs:
        return
    told = sum(not row.wrong for row in figures.pairs)
    yield "## Two faults at once\n"
    yield f"In {told} of {len(figures.pairs)} runs both faults were told, as roots of their own or one explained by the"
    yield "other, and nothing else was claimed."
    for row in figures.pairs:
        if row.wrong:
            yield f"- {' and '.join(row.faults)}: {_shortly(row.wrong)}"
    yield ""


def _missed(figures: Figures) -> Iterable[str]:
    missed = [row for row in figures.singles if not row.named or row.unexplained]
    if not missed:
        return
    yield "## What is not as it should be\n\n| fault | found | named | claimed |\n|---|---|---|---|"
    for row in missed:
        found, named = ("yes" if told else "**no**" for told in (row.found, row.named))
        yield f"| {row.faults[0]} | {found} | {named} | {', '.join(row.unexplained)} |"
    yield ""


def _twice(figures: Figures) -> Iterable[str]:
    rows = [row for row in [*figures.singles, *figures.sources, *figures.pairs] if row.first]
    if not rows:
        return
    yield "## Looked at twice\n"
    yield "What was not as it should be was looked at once more, alone; the figures are those of the second look. What"
    yield "was wrong at the first, mostly because the machine was too busy to be waited for:\n"
    yield from (f"- {' and '.join(row.faults)}: {_shortly(row.first)}" for row in rows)
    yield ""


def _shortly(wrong: Sequence[str]) -> str:
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{wrong[0]}{more}"


def _each(figures: Figures) -> Iterable[str]:
    yield "## Every fault\n\n*Also told*: what else the run found or could not see, explained by the fault's finding.\n"
    yield "| fault | roots | also told | run | check |\n|---|---|---|---|---|"
    for row in sorted(figures.singles, key=lambda row: (_system(row), row.faults[0])):
        also = ", ".join(_together(row.explained))
        yield f"| {row.faults[0]} | {len(row.roots)} | {also} | {row.run_s:.1f} s | {row.check_s:.2f} s |"


def _together(names: Sequence[str]) -> Iterable[str]:
    """Symptoms of one area as one word, with their number: a table is read by people."""
    areas = Counter(name.partition(".")[0] for name in dict.fromkeys(names))
    return (f"{area} {count}" for area, count in sorted(areas.items()))


def _system(row: Row) -> str:
    return row.faults[0].rpartition("@")[2]
