"""Send alerts when the history cannot be written: on a full or read-only disk, or without a state folder.

The round works on a copy of the history in memory with the same rules, channels and roles, but alerts on the first
run that finds something. Only the timestamps of one file, which even a full disk can store, prevent repeated alerts:
modification time for when they were sent, access time for a fingerprint of what. Without that file, every round sends
them again.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runbook_checks.config.runbook import SEVERITIES

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.monitor.store import Store

MARK = "told-without-memory"
AGAIN_S = 1800.0


def alert_at_once(rules: Monitoring) -> Monitoring:
    """The same rules, with an alert on the first run that finds something."""
    return replace(rules, severities={name: replace(rules.rule(name), after=1) for name in SEVERITIES})


@dataclass
class SentMark:
    """The file whose timestamps record what was sent without a history."""

    folder: Path
    at: float

    def is_known(self, store: Store) -> bool:
        """Whether the same alerts were sent recently. A time in the future does not count."""
        with suppress(OSError):
            mark = (self.folder / MARK).stat()
            return 0 <= self.at - mark.st_mtime < AGAIN_S and int(mark.st_atime) == fingerprint(store)
        return False

    def anything_since(self, last: float) -> bool:
        """Whether anything was sent without a history after `last`."""
        with suppress(OSError):
            return last < (self.folder / MARK).stat().st_mtime <= self.at
        return False

    def note(self, sent: int) -> None:
        """Record the fingerprint of what was sent now."""
        with suppress(OSError):
            os.utime(self.folder / MARK, (sent, self.at))

    def forget(self) -> None:
        """Create and reset the file while the disk can be written."""
        with suppress(OSError):
            (self.folder / MARK).touch()
            os.utime(self.folder / MARK, (0, 0))


def fingerprint(store: Store) -> int:
    """A checksum of the waiting messages; their titles hold no time."""
    rows = store.rows("SELECT channel, title FROM waiting JOIN message ON message.id = waiting.message ORDER BY 1, 2")
    return zlib.crc32("\n".join(f"{row['channel']} {row['title']}" for row in rows).encode()) & 0x7FFFFFFF
