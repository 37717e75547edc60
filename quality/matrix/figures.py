"""Figures of the detection matrix, and their format in docs/detection.json: one line per symptom and outage."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from quality.matrix.judging import Row

AND = " and "


@dataclass
class Entry:
    """The result of the runs with one fault, one outage or one pair of faults."""

    run_s: float = 0.0
    """Wall time of the run, start-up included."""
    check_s: float = 0.0
    """Duration of the fault's own check."""
    explains: list[str] = field(default_factory=list)
    """The areas of other results that were found or unknown, all explained by the fault's finding."""
    wrong: list[str] = field(default_factory=list)
    """Deviations, one sentence each."""
    first: str = ""
    """Deviations of the first run, if a second one was needed."""

    @classmethod
    def of(cls, row: Row) -> Entry:
        areas = sorted({name.partition(".")[0] for name in row.explained})
        more = f" (and {len(row.first) - 1} more)" if len(row.first) > 1 else ""
        return cls(round(row.run_s, 1), round(row.check_s, 2), areas, row.wrong, "".join(row.first[:1]) + more)

    @classmethod
    def without_times(cls, row: Row) -> Entry:
        """Return an entry for an outage or a pair, which keeps only the deviations."""
        made = cls.of(row)
        return cls(wrong=made.wrong, first=made.first)

    def plain(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}


@dataclass
class Healthy:
    """Runs of the healthy lab in one mode."""

    runs: int
    run_s: float
    """The median."""
    wrong: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Healthy:
        rows = list(rows)
        wrong = [sentence for row in rows for sentence in row.wrong]
        return cls(len(rows), round(median(row.run_s for row in rows), 1), wrong)


@dataclass
class Figures:
    """All figures; faults and outages by full name, pairs as "FAULT and FAULT"."""

    machine: str
    faults: dict[str, Entry] = field(default_factory=dict)
    outages: dict[str, Entry] = field(default_factory=dict)
    pairs: dict[str, Entry] = field(default_factory=dict)
    healthy: dict[str, Healthy] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Figures:
        """Parse what `as_json` wrote."""
        document = json.loads(text)
        faults, outages = (
            {
                f"{start}{end}": Entry(**entry)
                for start, entries in document[part].items()
                for end, entry in entries.items()
            }
            for part in ("faults", "outages")
        )
        pairs = {names: Entry(**entry) for names, entry in document["pairs"].items()}
        healthy = {how: Healthy(**runs) for how, runs in document["healthy"].items()}
        return cls(document["machine"], faults, outages, pairs, healthy)

    @property
    def wrong(self) -> list[str]:
        """Return every deviation, with the name of the fault, outage or pair."""
        entries = [*self.faults.items(), *self.outages.items(), *self.pairs.items()]
        several = [(name, entry.wrong) for name, entry in entries]
        several += [(f"healthy, {how}", runs.wrong) for how, runs in self.healthy.items()]
        return [f"{name}: {sentence}" for name, wrong in several for sentence in wrong]

    def renewed(self, newer: Figures) -> Figures:
        """Return the figures with entries replaced by those of a smaller, newer measurement."""
        return Figures(
            self.machine,
            self.faults | newer.faults,
            self.outages | newer.outages,
            self.pairs | newer.pairs,
            self.healthy | newer.healthy,
        )

    def without(self, is_gone: Callable[[str], bool]) -> Figures:
        """Return the figures without entries of faults and outages that no longer exist."""
        faults, outages, pairs = (
            {name: entry for name, entry in entries.items() if not any(map(is_gone, name.split(AND)))}
            for entries in (self.faults, self.outages, self.pairs)
        )
        return Figures(self.machine, faults, outages, pairs, self.healthy)


def as_json(figures: Figures) -> str:
    """Write one line for each symptom, outage, pair and mode, so that a diff in git stays short."""
    parts = {
        "faults": _lines(_grouped(figures.faults, ":")),
        "outages": _lines(_grouped(figures.outages, "@")),
        "pairs": _lines({names: entry.plain() for names, entry in sorted(figures.pairs.items())}),
        "healthy": _lines({how: asdict(runs) for how, runs in figures.healthy.items()}),
    }
    body = ",\n".join(f"{json.dumps(part)}: {{\n{lines}\n}}" for part, lines in parts.items())
    return f'{{"machine": {json.dumps(figures.machine)},\n{body}}}\n'


def _grouped(entries: Mapping[str, Entry], sign: str) -> dict[str, dict[str, Any]]:
    """Group by the name up to the sign; the rest is the inner key."""
    groups: dict[str, dict[str, Any]] = {}
    for name, entry in sorted(entries.items()):
        start, _, end = name.partition(sign)
        groups.setdefault(start, {})[sign + end] = entry.plain()
    return groups


def _lines(groups: Mapping[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(group, ensure_ascii=False)}" for name, group in groups.items())
