"""Start another Python that reads no more of the surroundings than this one does."""

from __future__ import annotations

import sys


def python() -> list[str]:
    """The words that start it: isolated (-I) where this process is, so that PYTHONPATH names no module for either.

    Neither imports from the working directory, which -m alone would put first (-P leaves it out).
    """
    return [sys.executable, "-I" if sys.flags.isolated else "-P"]
