"""Read a log backwards, through the file itself and those rotated from it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Literal

from runbook_checks.inputs.regular_file import why
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.logs.tail import Budget, lines_backwards

RESOURCE = "logs"
MAX_BYTES = 32 << 20
# Threads write slightly out of order, and a clock may have been wrong: one old entry is not the window's beginning.
OLDER_IN_A_ROW = 50

HowFar = Literal["whole", "spent", "unreadable"]


def read_back(path: Path, budget: Budget, take: Callable[[Generator[str, None, None]], bool]) -> HowFar:
    """Pass the lines of each file to `take`, newest first, until it returns True: the window's beginning is reached.

    "whole": read that far, or to the log's beginning. "spent": the budget ran out. "unreadable": a rotated file
    vanished or must not be read. NoReading unreadable where that is the file itself.
    """
    for number, file in enumerate(_generations(path)):
        try:
            if take(lines_backwards(file, budget)):
                return "whole"
        except OSError as error:
            if number:
                return "unreadable"
            raise NoReading(RESOURCE, f"{file} can't be read: {why(error)}", kind="unreadable") from None
    return "spent" if budget.is_spent else "whole"


def _generations(path: Path) -> Iterator[Path]:
    yield path
    for ending in ("1", "1.gz", "2", "2.gz"):
        older = path.with_name(f"{path.name}.{ending}")
        if older.is_file():
            yield older
