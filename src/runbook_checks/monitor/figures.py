"""Read the last days from the history: symptoms by day, availability by system, incidents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.monitor.snapshot import Key
from runbook_checks.monitor.states import date_of

if TYPE_CHECKING:
    from runbook_checks.monitor.store import Row, Store

DAYS = 90
DAY_S = 86400.0
MOST_INCIDENTS = 100


@dataclass(frozen=True)
class History:
    """One symptom on one system, a word for each day: clear, found, unknown or none."""

    symptom: str
    severity: str
    days: tuple[str, ...]
    clear_percent: float | None
    """The share of clear runs among those with a result other than unknown."""


@dataclass(frozen=True)
class Uptime:
    """The share of runs in which a system was up, among those that could determine it."""

    percent: float | None
    unseen_percent: float | None


def dates(at: float) -> list[str]:
    """The last days, today last."""
    return [date_of(at - DAY_S * back) for back in range(DAYS - 1, -1, -1)]


def symptoms(store: Store, system: str, at: float) -> list[History]:
    """Every symptom of a system, by name."""
    rows: dict[str, dict[str, Row]] = {}
    shown = dates(at)
    for row in store.rows("SELECT * FROM day WHERE system = ? AND date >= ?", system, shown[0]):
        rows.setdefault(row["symptom"], {})[row["date"]] = row
    return [_history(name, by_date, shown) for name, by_date in sorted(rows.items())]


def _history(name: str, by_date: dict[str, Row], shown: list[str]) -> History:
    days = tuple(_word(by_date.get(date)) for date in shown)
    clear, found = (sum(row[word] for row in by_date.values()) for word in ("clear", "found"))
    percent = 100 * clear / (clear + found) if clear + found else None
    return History(name, by_date[max(by_date)]["severity"], days, percent)


def _word(row: Row | None) -> str:
    """The state of a day: found if any run found it, unknown if no run could check."""
    if row is None:
        return "none"
    return "found" if row["found"] else "clear" if row["clear"] else "unknown"


def uptime(store: Store, system: str, since: str) -> Uptime:
    row = store.row(
        "SELECT sum(up) AS up, sum(down) AS down, sum(unseen) AS unseen FROM uptime WHERE system = ? AND date >= ?",
        *(system, since),
    )
    up, down, unseen = (row["up"] or 0, row["down"] or 0, row["unseen"] or 0) if row else (0, 0, 0)
    known, every = up + down, up + down + unseen
    return Uptime(100 * up / known if known else None, 100 * unseen / every if every else None)


def systems(store: Store) -> list[str]:
    return [row["system"] for row in store.rows("SELECT DISTINCT system FROM uptime ORDER BY system")]


def incidents(store: Store, at: float, *, is_open: bool) -> list[Row]:
    """Open ones gravest first; ended ones of the last days, newest first."""
    if is_open:
        return store.rows("SELECT * FROM incident WHERE ended IS NULL ORDER BY severity, began")
    statement = "SELECT * FROM incident WHERE ended >= ? ORDER BY ended DESC LIMIT ?"
    return store.rows(statement, at - DAYS * DAY_S, MOST_INCIDENTS)


def name_of(row: Row) -> str:
    return str(Key(row["system"], row["symptom"], row["subject"]))
