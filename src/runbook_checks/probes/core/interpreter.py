"""Start another Python that reads no more of the surroundings than this one does."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def python() -> list[str]:
    """The words that start it: isolated (-I) where this process is, so that PYTHONPATH names no module for either.

    Neither imports from the working directory, which Python would put first for -m and -c (-P leaves it out).
    """
    return [sys.executable, "-I" if sys.flags.isolated else "-P"]


def module(name: str) -> list[str]:
    """The words that run a module (`python -m NAME`) from where this process would import it."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    package = Path(found.origin).parent
    code = (
        f"import sys; sys.path.insert(0, {str(package.parent)!r}); import runpy; "
        f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    )
    return [*python(), "-c", code]
