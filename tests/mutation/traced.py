"""Which lines of ours does a piece of work run, in all its threads, and in every Python that it starts?"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness import PROJECT
from tests.mutation.changed import with_start

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = tuple(f"{PROJECT}/{folder}/" for folder in ("checks", "probes", "fixtures"))


@contextmanager
def traced(lines: dict[str, set[int]]) -> Iterator[None]:
    """Fill in the lines that are run, by the file's path within the project."""

    def called(frame: Any, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(FOLDERS):
            return None
        seen = lines.setdefault(file[len(str(PROJECT)) + 1 :], set())

        def stepped(frame: Any, event: str, argument: Any) -> Any:
            seen.add(frame.f_lineno)
            return stepped

        seen.add(frame.f_lineno)
        return stepped

    with _started_too(lines):
        threading.settrace(called)
        sys.settrace(called)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)


@contextmanager
def _started_too(lines: dict[str, set[int]]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ("MUTATION_LINES", "PYTHONPATH")}
    with tempfile.TemporaryDirectory(prefix="runbook-checks-lines-") as folder:
        told = Path(folder) / "lines"
        os.environ |= {"MUTATION_LINES": str(told), "PYTHONPATH": with_start()}
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                os.environ |= {} if value is None else {name: value}
            for line in told.read_text().splitlines() if told.is_file() else ():
                path, _, number = line.rpartition(":")
                lines.setdefault(path, set()).add(int(number))
