"""Change a module of the project when it is imported, and trace the lines that are run.

Only the standard library is imported, so that this works at the very start of Python.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.machinery import ModuleSpec

PROJECT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
ENGINE = "src/runbook_checks"
FOLDERS = ("checks", f"{ENGINE}/probes", f"{ENGINE}/handles", f"{ENGINE}/plugin")
"""Folders in which lines are traced."""
_TRACED = tuple(f"{PROJECT}/{folder}/" for folder in FOLDERS)


def change(changed: Mapping[str, str]) -> None:
    """Import `module` from the text `source` instead of the content of `file`."""
    sys.meta_path.insert(0, _Finder(changed))


class _Finder:
    def __init__(self, changed: Mapping[str, str]) -> None:
        self.changed = changed

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if name != self.changed["module"]:
            return None
        return spec_from_file_location(name, self.changed["file"], loader=_Loader(self.changed))


class _Loader(SourceFileLoader):
    def __init__(self, changed: Mapping[str, str]) -> None:
        super().__init__(changed["module"], changed["file"])
        self.source = changed["source"]

    def get_code(self, name: str) -> Any:  # noqa: ARG002
        return compile(self.source, self.path, "exec", dont_inherit=True)


def trace(note: Callable[[str, int], None]) -> None:
    """Call `note` with the file, relative to the project, and the number of each project line that is run."""

    def called(frame: Any, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_TRACED):
            return None
        path = file[len(PROJECT) + 1 :]

        def stepped(frame: Any, event: str, argument: Any) -> Any:
            note(path, frame.f_lineno)
            return stepped

        return stepped(frame, event, argument)

    threading.settrace(called)
    sys.settrace(called)
