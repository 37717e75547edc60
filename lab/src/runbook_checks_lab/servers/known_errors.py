"""The times at which a healthy system logs its known error."""

from __future__ import annotations

from collections.abc import Iterator

HISTORY_S = 2 * 3600  # the oldest entry of the lab's logs
KNOWN_EVERY_S = 600  # the error's period; the lab starts in the middle of one


def known_before(now: float) -> Iterator[float]:
    """Yield the times in seconds since the epoch, newest first."""
    for number in range(HISTORY_S // KNOWN_EVERY_S):
        yield now - KNOWN_EVERY_S * (number + 0.5)


def is_known_due(number: int, every_s: int) -> bool:
    """Whether the error is due with this line, the number of lines since the lab's start being written `every_s`."""
    return number * every_s % KNOWN_EVERY_S == KNOWN_EVERY_S // 2
