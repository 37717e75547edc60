"""Start another Python that reads no more of the surroundings than this one does."""

from __future__ import annotations

import sys


def python() -> list[str]:
    """The words that start it: isolated (-I) where this process is, so that PYTHONPATH names no module for either."""
    return [sys.executable, *(["-I"] if sys.flags.isolated else [])]
