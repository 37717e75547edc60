"""How does a Python that a changed process has started come to run the changed module, and tell which lines it ran?

Found by way of PYTHONPATH, before anything else is imported. The variables say what is wanted:
MUTATION_CHANGED is a file with the changed module as JSON, MUTATION_LINES one that the lines run are added to.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def change(file: str) -> None:
    import json
    from importlib.machinery import SourceFileLoader
    from importlib.util import spec_from_file_location

    with open(file) as stream:
        changed = json.load(stream)

    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> Any:  # noqa: ARG002
            return compile(changed["source"], self.path, "exec", dont_inherit=True)

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any, target: Any = None) -> Any:  # noqa: ARG004
            if name != changed["module"]:
                return None
            return spec_from_file_location(name, changed["file"], loader=Loader(name, changed["file"]))

    sys.meta_path.insert(0, Finder)


def trace(file: str) -> None:
    import threading

    told = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    project = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    folders = tuple(f"{project}/{folder}/" for folder in ("checks", "probes", "fixtures"))
    seen = set()

    def note(path: str, line: int) -> None:
        if (path, line) not in seen:
            seen.add((path, line))
            os.write(told, f"{path[len(project) + 1 :]}:{line}\n".encode())  # it may be ended at any time

    def called(frame: Any, event: str, argument: Any) -> Any:
        path = frame.f_code.co_filename
        if not path.startswith(folders):
            return None

        def stepped(frame: Any, event: str, argument: Any) -> Any:
            note(path, frame.f_lineno)
            return stepped

        note(path, frame.f_lineno)
        return stepped

    threading.settrace(called)
    sys.settrace(called)


if "MUTATION_CHANGED" in os.environ:
    change(os.environ["MUTATION_CHANGED"])
if "MUTATION_LINES" in os.environ:
    trace(os.environ["MUTATION_LINES"])
