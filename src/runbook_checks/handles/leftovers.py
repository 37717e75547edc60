"""Record what a run leaves on its targets, before it is made, so that no end of the run loses it.

A line for each thing in `left.jsonl`, in the run's own folder, appended by the process that makes it; another line
takes it back once it was refused or removed again. A killed run can't report what it left: the next run does.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

NAME, TOLD = "left.jsonl", "left.told.jsonl"
_IDS = re.compile(r"[0-9a-f]{6,}|\d+")
Thing = tuple[str, str]  # system, and what it is


class Leftovers:
    """Kept in memory as well: a folder that can't be written costs the next run's knowledge, not this one's."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self.path: Path | None = None
        self._clean = clean
        self._told: dict[str, str] = {}  # what is taken back goes by the words it was put down with
        self._rows: list[dict[str, Any]] = []
        self._lock = Lock()

    def keep_in(self, folder: Path) -> None:
        """The run's own folder, which all its processes know."""
        self.path = folder / NAME

    def add(self, system: str, what: str) -> None:
        """Before something is made that may stay."""
        self._note(system, what, is_there=True)

    def take_back(self, system: str, what: str) -> None:
        """It was not taken, or is gone again."""
        self._note(system, what, is_there=False)

    def _note(self, system: str, what: str, *, is_there: bool) -> None:
        with self._lock:
            cleaned = self._told.setdefault(what, self._clean(what))
            row = {"pid": os.getpid(), "system": system, "what": cleaned, "is_there": is_there}
            self._rows.append(row)
            if self.path is not None:
                with suppress(OSError), self.path.open("ab", buffering=0) as file:
                    file.write(json.dumps(row).encode() + b"\n")

    def left(self) -> list[Thing]:
        """What is there because of any process of this run; alike things together, whichever came first."""
        with self._lock:
            rows = list(self._rows)
        if self.path is not None:
            rows = read(self.path) or rows
        left = [(system, self._clean(what)) for system, what in remaining(rows)]
        return sorted(left, key=lambda thing: (thing[0], _IDS.sub("", thing[1]), thing[1]))


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a `left.jsonl`; a line that was cut off by the end of its process is left out."""
    rows = []
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                rows.append(dict(json.loads(line)))
    return rows


def remaining(rows: Iterable[dict[str, Any]]) -> list[Thing]:
    rows = list(rows)
    gone = Counter((row["system"], row["what"]) for row in rows if not row["is_there"])
    left = []
    for thing in [(row["system"], row["what"]) for row in rows if row["is_there"]]:
        if gone[thing]:
            gone[thing] -= 1
        else:
            left.append(thing)
    return left


def of_killed_runs(folders: Iterable[Path]) -> list[tuple[str, Thing]]:
    """What runs left that ended before they could tell, each with the run's id; told once."""
    found = []
    for folder in folders:
        path = folder / NAME
        if not path.is_file() or (folder / "results.json").is_file():
            continue
        from psutil import pid_exists

        rows = read(path)
        if any(pid_exists(row["pid"]) for row in rows):
            continue
        found += [(folder.name, thing) for thing in remaining(rows)]
        with suppress(OSError):
            path.rename(folder / TOLD)
    return found
