"""Limits on the age and size of Aura Flow's dumps, and on the age of the last restore drill."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import DRILLED_DAYS
from runbook_checks_lab.boundaries.aura_flow import boundary

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body
    from runbook_checks_lab.servers.dumps import DailyDumps


def _dumps(change: Callable[[DailyDumps], None]) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        change(lab.aura_flow.dumps)
        yield
        lab.aura_flow.dumps.fill()

    return body


# The newest may be a day old.
boundary("backup.stale", "newest-22-h")(_dumps(lambda dumps: dumps.fill(age_h=22)))
boundary("backup.stale", "newest-26-h", "too-old")(_dumps(lambda dumps: dumps.fill(age_h=26)))


def _half(dumps: DailyDumps) -> bytes:
    whole = gzip.compress(dumps.dump, mtime=0)
    return whole[: len(whole) // 2]


# A file that changed a moment ago may be incomplete.
boundary("backup.corrupt", "half-after-7-min", "unknown")(_dumps(lambda dumps: dumps.fill(_half(dumps), age_h=7 / 60)))
boundary("backup.corrupt", "half-after-14-min", "truncated")(
    _dumps(lambda dumps: dumps.fill(_half(dumps), age_h=14 / 60))
)


def _sizes(*shares: float) -> Body:
    """Set the sizes of the dumps before the newest, as shares of its size; the most recent first."""

    def resize(dumps: DailyDumps) -> None:
        newest = gzip.compress(dumps.dump, mtime=0)
        dumps.fill_with([newest, *(bytes(int(len(newest) * share)) for share in shares)])

    return _dumps(resize)


# The limit is half the size of the previous dumps, of which seven are compared.
boundary("backup.corrupt", "60-percent-of-usual")(_sizes(1.66, 1.66, 1.66))
boundary("backup.corrupt", "40-percent-of-usual", "too-small")(_sizes(2.5, 2.5, 2.5))
boundary("backup.corrupt", "small-since-a-week")(_sizes(*[1] * 7, *[5] * 9))


def _drilled(days_ago: float) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        lab.aura_flow.drills.note(days_ago)
        yield
        lab.aura_flow.drills.note(DRILLED_DAYS)

    return body


boundary("backup.drill-overdue", "30-days")(_drilled(30))
boundary("backup.drill-overdue", "33-days", "overdue")(_drilled(33))
