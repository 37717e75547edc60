"""Change a module, and record the lines run, in a Python that a changed process has started.

Python imports this first, because of PYTHONPATH. The variable PYTHONMUTATIONCHANGED names a file with the changed
module as JSON, PYTHONMUTATIONLINES a file to which the lines are appended.
"""

from __future__ import annotations

import json
import os

from quality.mutation.start.begin import change, trace

if "PYTHONMUTATIONCHANGED" in os.environ:
    with open(os.environ["PYTHONMUTATIONCHANGED"]) as stream:
        change(json.load(stream))
if "PYTHONMUTATIONLINES" in os.environ:
    lines_file = os.open(os.environ["PYTHONMUTATIONLINES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    seen: set[tuple[str, int]] = set()

    def note(path: str, line: int) -> None:
        """Write at once: a process may be killed at any time."""
        if (path, line) not in seen:
            seen.add((path, line))
            os.write(lines_file, f"{path}:{line}\n".encode())

    trace(note)
