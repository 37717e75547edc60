"""Bring times from the future back to now: the clock was ahead in an earlier round, or went back for another reason.

Only what decides when something is told, and since when it is open, is changed. Ended incidents and the counts of days
stay as they are: a clock that is behind for one round must not rewrite the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.messages import clock, length

if TYPE_CHECKING:
    from monitor.store import Store

TOLERATED_S = 60.0  # a clock that is set right a little is not told
_TIMES = {
    "state": ("since", "looked_at"),
    "incident": ("began", "opened", "alerted", "last_told", "cleared"),
    "delivery": ("next_at", "first_try", "wait_until"),
    "refusing": ("since",),
}


def mend(store: Store, at: float) -> str:
    """Set what lies in the future to now; a sentence to tell where the clock went back by more than a little.

    Nothing lies in the future unless the last round does.
    """
    last = float(store.note("last_round") or at)
    if last <= at:
        return ""
    for table, columns in _TIMES.items():
        is_open = " AND ended IS NULL" if table == "incident" else ""
        for column in columns:
            store.run(f"UPDATE {table} SET {column} = ? WHERE {column} > ?{is_open}", at, at)  # noqa: S608 - names of ours
    store.keep("last_round", at)
    if last - at <= TOLERATED_S:
        return ""
    return f"the clock went back from {clock(last)} to {clock(at)} ({length(last - at)}): later times count as now"
