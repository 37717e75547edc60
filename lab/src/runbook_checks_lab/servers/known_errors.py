"""The times at which a healthy system logs its known error."""

from __future__ import annotations

from collections.abc import Iterator

HISTORY_S = 2 * 3600  # how far back the lab's logs go
KNOWN_EVERY_S = 600  # the error's rhythm, half of it away from the lab's start on both sides


def known_before(now: float) -> Iterator[float]:
    """The moments in seconds since the epoch, newest first."""
    for number in range(HISTORY_S // KNOWN_EVERY_S):
        yield now - KNOWN_EVERY_S * (number + 0.5)


def is_known_due(number: int, every_s: int) -> bool:
    """Whether it comes with this line, counted from the lab's start, of those written every so many seconds."""
    return number * every_s % KNOWN_EVERY_S == KNOWN_EVERY_S // 2
