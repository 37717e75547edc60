"""Which lines of ours does a piece of work run, in all its threads?"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.harness import PROJECT

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

    threading.settrace(called)
    sys.settrace(called)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)
