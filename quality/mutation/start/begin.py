"""How is a module of ours changed as it is imported, and how are the lines run told?

Nothing but the standard library is needed, so that a Python that has only just started can do it too.
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
FOLDERS = tuple(f"{PROJECT}/{folder}/" for folder in ("checks", "probes", "fixtures"))


def change(changed: Mapping[str, str]) -> None:
    """Whoever imports the `module` gets the `source` in place of what the `file` says."""
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
    """Tell of every line of ours that is run from now on, by its file's path within the project; in all threads."""

    def called(frame: Any, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(FOLDERS):
            return None
        path = file[len(PROJECT) + 1 :]

        def stepped(frame: Any, event: str, argument: Any) -> Any:
            note(path, frame.f_lineno)
            return stepped

        return stepped(frame, event, argument)

    threading.settrace(called)
    sys.settrace(called)
