"""A rate limit with a fixed window for each key, as in express-rate-limit."""

from __future__ import annotations

import time
from collections import deque

WINDOW_S = 60.0
MOST = 10


class Limiter:
    def __init__(self, most: int = MOST, window_s: float = WINDOW_S) -> None:
        self._most, self._window_s = most, window_s
        self._tries: dict[str, deque[float]] = {}

    def allows(self, key: str) -> bool:
        """Count this attempt and return whether it is within the limit."""
        now = time.monotonic()
        tries = self._tries.setdefault(key, deque(maxlen=self._most + 1))
        while tries and tries[0] < now - self._window_s:
            tries.popleft()
        tries.append(now)
        return len(tries) <= self._most

    def forget(self) -> None:
        self._tries.clear()
