"""Command lines that start another Python as isolated from its surroundings as this one."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def python() -> list[str]:
    """Return its command line: isolated (-I) if this process is, so that PYTHONPATH has no effect on either.

    -P keeps the working directory out of the import path, where -m and -c put it first.
    """
    return [sys.executable, "-I" if sys.flags.isolated else "-P"]


def module(name: str) -> list[str]:
    """Return the command line that runs a module (`python -m NAME`) from the place where this process imports it."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    package = Path(found.origin).parent
    code = (
        f"import sys; sys.path.insert(0, {str(package.parent)!r}); import runpy; "
        f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    )
    return [*python(), "-c", code]
