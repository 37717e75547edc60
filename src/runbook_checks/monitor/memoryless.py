"""Tell what is found although nothing can be remembered: on a full or read-only disk, without a state folder.

The round goes its way on a copy of the history in memory, which is lost in the end: the same rules, channels and roles.
What can't be counted over several runs is told at first sight. All that is left to know what was told is the time stamp
of one file, which a full disk can change: it holds when, and a fingerprint of what. Where even that can't be written,
every round tells it anew.
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


def at_sight(rules: Monitoring) -> Monitoring:
    """The same rules, with everything told when it is first seen."""
    return replace(rules, severities={name: replace(rules.rule(name), after=1) for name in SEVERITIES})


@dataclass
class Told:
    """What was told without memory: the one mark that is left of it."""

    folder: Path
    at: float

    def is_known(self, store: Store) -> bool:
        """Whether just this was told lately. A time from the future is no reason to be silent."""
        with suppress(OSError):
            mark = (self.folder / MARK).stat()
            return 0 <= self.at - mark.st_mtime < AGAIN_S and int(mark.st_atime) == fingerprint(store)
        return False

    def anything_since(self, last: float) -> bool:
        """Whether something was told without memory after a moment."""
        with suppress(OSError):
            return last < (self.folder / MARK).stat().st_mtime <= self.at
        return False

    def note(self, print_of_it: int) -> None:
        with suppress(OSError):
            os.utime(self.folder / MARK, (print_of_it, self.at))

    def forget(self) -> None:
        """Memory works: the mark is made ready for when it won't."""
        with suppress(OSError):
            (self.folder / MARK).touch()
            os.utime(self.folder / MARK, (0, 0))


def fingerprint(store: Store) -> int:
    """A number for what waits, whichever channel it waits for; no text of it has a time in it."""
    rows = store.rows("SELECT channel, title FROM waiting JOIN message ON message.id = waiting.message ORDER BY 1, 2")
    return zlib.crc32("\n".join(f"{row['channel']} {row['title']}" for row in rows).encode()) & 0x7FFFFFFF
