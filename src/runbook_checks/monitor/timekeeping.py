"""Set times in the future to now: the clock was ahead in an earlier round, or went back.

Only the times that schedule messages and start open incidents change. Ended incidents and the counts of days stay: a
clock that is behind for one round must not rewrite the past.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runbook_checks.monitor.messages import clock, length

if TYPE_CHECKING:
    from runbook_checks.monitor.store import Store

TOLERATED_S = 60.0  # smaller corrections of the clock are not reported
_TIMES = {
    "state": ("since", "looked_at"),
    "incident": ("began", "opened", "alerted", "last_told", "cleared"),
    "delivery": ("next_at", "first_try", "wait_until"),
    "refusing": ("since",),
}


def _clamp_texts(store: Store, at: float) -> None:
    """Correct the start times in waiting messages; times in this form sort as text."""
    now = clock(at)
    for row in store.rows("SELECT * FROM message WHERE at > ? AND id IN (SELECT message FROM waiting)", at):
        body = _SINCE.sub(lambda found: found[1] + min(found[2], now), row["body"])
        store.run("UPDATE message SET at = ?, body = ? WHERE id = ?", at, body, row["id"])


_SINCE = re.compile(r"^(since: |It began )(\d{4}-\d\d-\d\d \d\d:\d\d UTC)", re.MULTILINE)


def clamp(store: Store, at: float) -> str:
    """Set times in the future to now; a sentence where the clock went back by more than TOLERATED_S.

    No time lies in the future unless the last round's does.
    """
    last = float(store.note("last_round") or at)
    if last <= at:
        return ""
    for table, columns in _TIMES.items():
        is_open = " AND ended IS NULL" if table == "incident" else ""
        for column in columns:
            store.run(f"UPDATE {table} SET {column} = ? WHERE {column} > ?{is_open}", at, at)  # noqa: S608 - names of ours
    _clamp_texts(store, at)
    store.keep("last_round", at)
    if last - at <= TOLERATED_S:
        return ""
    return f"the clock went back from {clock(last)} to {clock(at)} ({length(last - at)}): later times are set to now"
