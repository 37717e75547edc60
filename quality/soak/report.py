"""Decide whether the figures level off, and write them as tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runbook_checks.output.destinations import KEPT_RUNS
from tests.harness import PROJECT

PAGE = PROJECT / "docs" / "hardening.md"
BEGIN, END = "<!-- soak: python -m quality.soak --write -->", "<!-- /soak -->"
# Permitted growth since the first runs: noise of the allocator, and a thread that is just ending.
ROOM = {"rss_kib": 24 << 10, "lab_rss_kib": 64 << 10, "threads": 2, "lab_threads": 8, "established": 4, "took_s": 1e9}
GROWS = ("run", "folders", "code")
SETTLED = 50


def report(within: Sequence[dict[str, Any]], separate: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return tables of both series, and whether nothing in them grows."""
    grown = [*_grown("in one process", within), *_grown("separately", separate)]
    if separate and separate[-1]["folders"] > min(separate[-1]["run"], KEPT_RUNS):
        grown.append(
            f"{separate[-1]['run']} runs left {separate[-1]['folders']} folders of reports, and {KEPT_RUNS} are kept"
        )
    lines = [
        *_table("in one process", within),
        *_table("each in its own process", separate),
        "Nothing grows." if not grown else "Grown: " + "; ".join(grown),
    ]
    return "\n".join(lines), not grown


def _at(series: Sequence[dict[str, Any]], run: int) -> dict[str, Any]:
    return min(series, key=lambda sample: abs(int(sample["run"]) - run))


def _settled(series: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return _at(series, min(SETTLED, int(series[-1]["run"]) // 2))


def _grown(where: str, series: Sequence[dict[str, Any]]) -> list[str]:
    """Compare with the values after start-up; the minimum of the last ten samples, because work may be in progress."""
    if not series:
        return []
    first, found = _settled(series), []
    for name in first:
        least = min(sample[name] for sample in series[-10:])
        if name not in GROWS and least > first[name] + ROOM.get(name, 0):
            found.append(f"{name} {where}: {first[name]} after run {first['run']}, {least} at the end")
    return found


def _table(title: str, series: Sequence[dict[str, Any]]) -> list[str]:
    if not series:
        return []
    last = int(series[-1]["run"])
    shown = [_at(series, run) for run in dict.fromkeys((1, min(SETTLED, last // 2), last // 2, last))]
    names = [name for name in shown[0] if name not in ("run", "code", "took_s")]
    head = "| " + " | ".join([title, *(f"after {sample['run']}" for sample in shown)]) + " |"
    rows = [
        "| " + " | ".join([_words(name), *(_figure(name, sample[name]) for sample in shown)]) + " |" for name in names
    ]
    return [head, "|---" * (len(shown) + 1) + "|", *rows, ""]


def _words(name: str) -> str:
    return name.removesuffix("_kib").replace("_", " ").replace("rss", "memory (MiB)")


def _figure(name: str, value: int) -> str:
    return f"{value / 1024:.1f}" if name.endswith("_kib") else str(value)


def write(text: str) -> None:
    page = PAGE.read_text()
    PAGE.write_text(
        re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page, flags=re.DOTALL)
    )
