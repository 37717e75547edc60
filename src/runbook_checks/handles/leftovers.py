"""Record what a run leaves on its targets, before it is made, so that no end of the run loses it.

The process that makes a thing appends a line to `left.jsonl` in the run's folder, and another one when the thing was
refused or removed. A killed run cannot report what it left; the next run does.
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

NAME, REPORTED = "left.jsonl", "left.told.jsonl"
_IDS = re.compile(r"[0-9a-f]{6,}|\d+")
Thing = tuple[str, str]  # system, and what it is


class Leftovers:
    """What a run left, also in memory: without a writable folder only the next run lacks it."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self.path: Path | None = None
        self._clean = clean
        self._cleaned: dict[str, str] = {}  # a thing is taken back with the words it was added with
        self._rows: list[dict[str, Any]] = []
        self._lock = Lock()

    def keep_in(self, folder: Path) -> None:
        """Write into the run's folder, which all its processes know."""
        self.path = folder / NAME

    def add(self, system: str, what: str) -> None:
        """Record something that may stay, before it is made."""
        self._note(system, what, is_there=True)

    def take_back(self, system: str, what: str) -> None:
        """Record that it was refused or removed."""
        self._note(system, what, is_there=False)

    def _note(self, system: str, what: str, *, is_there: bool) -> None:
        with self._lock:
            cleaned = self._cleaned.setdefault(what, self._clean(what))
            row = {"pid": os.getpid(), "system": system, "what": cleaned, "is_there": is_there}
            self._rows.append(row)
            if self.path is not None:
                with suppress(OSError), self.path.open("ab", buffering=0) as file:
                    file.write(json.dumps(row).encode() + b"\n")

    def left(self) -> list[Thing]:
        """What any process of this run left; similar things are next to each other."""
        with self._lock:
            rows = list(self._rows)
        if self.path is not None:
            rows = read(self.path) or rows
        left = [(system, self._clean(what)) for system, what in remaining(rows)]
        return sorted(left, key=lambda thing: (thing[0], _IDS.sub("", thing[1]), thing[1]))


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a `left.jsonl`; a line that was cut off is skipped."""
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
    """What killed runs left, each with the run's id; reported once."""
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
            path.rename(folder / REPORTED)
    return found
