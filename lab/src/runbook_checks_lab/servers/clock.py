"""The clock of a simulated service."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import formatdate

SHANGHAI = timezone(timedelta(hours=8))


class Clock:
    def __init__(self, offset_s: Callable[[], float]) -> None:
        self._offset_s = offset_s

    def seconds(self) -> float:
        return time.time() + self._offset_s()

    def http_date(self) -> str:
        return formatdate(self.seconds(), usegmt=True)


def log_stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, SHANGHAI).isoformat(timespec="milliseconds")
