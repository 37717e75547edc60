"""Trace the project lines that a function call runs, in all its threads and in every Python that it starts."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from quality.mutation.changed import with_start
from quality.mutation.start.begin import trace

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def traced(lines: dict[str, set[int]]) -> Iterator[None]:
    """Add the lines that are run, by the file's path relative to the project."""

    def note(path: str, line: int) -> None:
        lines.setdefault(path, set()).add(line)

    with _started_too(lines):
        trace(note)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)


@contextmanager
def _started_too(lines: dict[str, set[int]]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ("PYTHONMUTATIONLINES", "PYTHONPATH")}
    with tempfile.TemporaryDirectory(prefix="runbook-checks-lines-") as folder:
        lines_file = Path(folder) / "lines"
        os.environ |= {"PYTHONMUTATIONLINES": str(lines_file), "PYTHONPATH": with_start()}
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                os.environ |= {} if value is None else {name: value}
            for line in lines_file.read_text().splitlines() if lines_file.is_file() else ():
                path, _, number = line.rpartition(":")
                lines.setdefault(path, set()).add(int(number))
