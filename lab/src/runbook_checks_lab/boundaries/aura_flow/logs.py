"""Limits on the number of errors of one kind, and logs without recent entries."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.logfile import error, request
from runbook_checks_lab.boundaries.aura_flow import boundary
from runbook_checks_lab.servers.files import away

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body
    from runbook_checks_lab.servers.jsonlines import Event

WINDOW_S = 15 * 60
LETTERS = "abcdefghij"


def _with(*events: tuple[float, str]) -> Body:
    """Add errors, each given as seconds ago and message."""
    return _entries(lambda now: [error(now - ago_s, message) for ago_s, message in events])


def _entries(made: Callable[[float], Iterable[Event]]) -> Body:
    def body(lab: Lab) -> Iterator[None]:
        with lab.aura_flow.log.with_events(made(time.time())):
            yield

    return body


def _times(count: int, message: str, begin_s: float = 10) -> list[tuple[float, str]]:
    return [(begin_s + 7 * number, message) for number in range(count)]


NEW = "Error: connection pool is closed"
# Five are tolerated; a known error must occur three times as often as before.
boundary("logs.errors", "five-new")(_with(*_times(5, NEW)))
boundary("logs.errors", "six-new", "new-error")(_with(*_times(6, NEW)))
boundary("logs.errors", "twice-as-many")(_with(*_times(12, NEW), *_times(6, NEW, WINDOW_S + 60)))
boundary("logs.errors", "four-times-as-many", "error-surge")(_with(*_times(24, NEW), *_times(6, NEW, WINDOW_S + 60)))
boundary("logs.errors", "few-and-more-than-before")(_with(*_times(5, NEW), *_times(1, NEW, WINDOW_S + 60)))
KINDS = [f"Error: worker {first}{second} gave up" for first in LETTERS[:6] for second in LETTERS]
# Fifty are reported one by one, the rest together.
boundary("logs.errors", "sixty-kinds", *["new-error"] * 51)(_with(*(one for kind in KINDS for one in _times(6, kind))))


def _ended(ago_s: float) -> Body:
    """The last entry is this old, and the file has not been changed since."""

    def body(lab: Lab) -> Iterator[None]:
        log, ended = lab.aura_flow.log, time.time() - ago_s
        with away(log.path), log.paused():
            log.begin(ended)
            os.utime(log.path, (ended, ended))
            yield
            log.path.unlink()

    return body


# Two windows of 15 minutes are compared.
boundary("logs.errors", "ended-25-min-ago")(_ended(25 * 60))
boundary("logs.errors", "ended-35-min-ago", "unknown")(_ended(35 * 60))
boundary("logs.errors", "quiet-is-fine", settings={"logs.quiet_is_fine": True})(_ended(6 * 3600))

boundary("logs.slow-requests", "4.9-s")(_entries(lambda now: [request(now - 5, "/api/insights", 4900)]))
boundary("logs.slow-requests", "5.1-s", "slow-endpoint")(
    _entries(lambda now: [request(now - 5, "/api/insights", 5100)])
)
boundary("logs.slow-requests", "sixty-addresses", *["slow-endpoint"] * 50)(
    _entries(lambda now: [request(now - 5, f"/api/{kind.split()[2]}", 5100) for kind in KINDS])
)
