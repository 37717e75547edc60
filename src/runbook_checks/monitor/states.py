"""The state of each symptom and source over the last runs, updated by each run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runbook_checks.config.monitoring import MOST_RUNS
from runbook_checks.monitor.snapshot import CLEAR, EXPLAINED, ROOT, UNSEEN, Details, Key, Seen, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.config.results_document import Document, DocumentResult
    from runbook_checks.monitor.store import Row, Store

TROUBLE = {ROOT, EXPLAINED}
QUIET_RUNS = 3  # after this many clear runs a return counts as a new beginning


@dataclass
class State:
    """A key's history after a run."""

    key: Key
    recent: str
    """One letter for each of the last runs, the newest last."""
    clears: int
    since: float
    looked_at: float
    severity: str
    details: Details

    def counted(self, mark: str, runs: int) -> int:
        return self.recent[-runs:].count(mark)


def date_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def take_in(store: Store, look: Snapshot, at: float) -> Iterator[tuple[State, str]]:
    """Update every state; yields each with its mark in this run, empty where the run did not include it."""
    rows = {key_of(row): row for row in store.rows("SELECT * FROM state")}
    still_open = {key_of(row) for row in store.rows("SELECT * FROM incident WHERE ended IS NULL")}
    for key in sorted({*rows, *look.seen}):
        state, mark = _after(rows.get(key), key, look, at)
        _keep(store, state, is_open=key in still_open)
        yield state, mark


def key_of(row: Row) -> Key:
    return Key(row["system"], row["symptom"], row["subject"])


def _after(row: Row | None, key: Key, look: Snapshot, at: float) -> tuple[State, str]:
    details: Details = json.loads(row["told"]) if row else {}
    mark = look.mark(key, details)
    seen = look.seen.get(key) or Seen(mark, row["severity"] if row else "P3", details)
    recent, clears, since = (row["recent"], row["clears"], row["since"]) if row else ("", 0, at)
    if mark in (ROOT, EXPLAINED):
        since = at if clears >= QUIET_RUNS or not TROUBLE & set(recent) else since
        clears = 0
    elif mark == CLEAR:
        clears += 1
    looked_at = row["looked_at"] if row and mark in ("", UNSEEN) else at
    return State(key, (recent + mark)[-MOST_RUNS:], clears, since, looked_at, seen.severity, seen.details), mark


def _keep(store: Store, state: State, *, is_open: bool) -> None:
    place = (state.key.system, state.key.symptom, state.key.subject)
    if not is_open and not TROUBLE & set(state.recent):  # clear in all recent runs
        store.run("DELETE FROM state WHERE system = ? AND symptom = ? AND subject = ?", *place)
        return
    details = json.dumps(state.details, ensure_ascii=False)
    values = (state.recent, state.clears, state.since, state.looked_at, state.severity, details)
    store.run("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *place, *values)


def reset_counts(store: Store) -> None:
    """Delete counts of runs after a gap in the schedule, which makes them meaningless; open incidents stay."""
    store.run(
        "DELETE FROM state WHERE (system, symptom, subject) NOT IN"
        " (SELECT system, symptom, subject FROM incident WHERE ended IS NULL)"
    )


def count_day(store: Store, document: Document, at: float) -> None:
    """Add a run to the day's counts: each symptom's outcome, and whether each system was up."""
    systems: dict[str, list[DocumentResult]] = {}
    for result in document["results"]:
        systems.setdefault(result["system"], []).append(result)
        if result["outcome"] != "skipped":
            row = (result["system"], result["symptom"], date_of(at), result["severity"])
            counted = [int(result["outcome"] == name) for name in ("clear", "found", "unknown")]
            store.run(
                "INSERT INTO day VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (system, symptom, date) DO UPDATE SET clear = clear + excluded.clear,"
                " found = found + excluded.found, unknown = unknown + excluded.unknown, severity = excluded.severity",
                *row,
                *counted,
            )
    for system, results in systems.items():
        up, down, unseen = _uptime(results)
        store.run(
            "INSERT INTO uptime VALUES (?, ?, ?, ?, ?) ON CONFLICT (system, date) DO UPDATE SET"
            " up = up + excluded.up, down = down + excluded.down, unseen = unseen + excluded.unseen",
            *(system, date_of(at), up, down, unseen),
        )


def _uptime(results: list[DocumentResult]) -> tuple[int, int, int]:
    """Down if any P0 is found; up only if every P0 check has a result."""
    if any(finding["severity"] == "P0" for result in results for finding in result["findings"]):
        return 0, 1, 0
    gravest = [result["outcome"] for result in results if result["severity"] == "P0" and result["outcome"] != "skipped"]
    return (1, 0, 0) if gravest and "unknown" not in gravest else (0, 0, 1)


def has_come(state: State, mark: str, rules: Monitoring) -> bool:
    """Whether it was a root in enough runs for an alert."""
    rule = rules.rule(state.severity)
    return mark == ROOT and state.counted(ROOT, rule.of) >= rule.after


def has_gone(state: State, severity: str, rules: Monitoring) -> bool:
    return state.clears >= rules.rule(severity).clear_after
