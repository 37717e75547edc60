"""The location of the built-in suite, and the folders for files kept between runs.

In a clone all of them are in the clone. For an installed wheel they are the user's, by the XDG Base Directory
Specification.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_INSTALLED = PACKAGE / "suite"
IN_CLONE = not (_INSTALLED / "checks").is_dir()
SUITE = PACKAGE.parents[1] if IN_CLONE else _INSTALLED
"""The folder with the built-in checks, environments, runbooks and reports."""
SETTINGS = PACKAGE / "cli" / "pytest.ini"
"""pytest's settings for the command runbook-checks."""
CODE = PACKAGE.parent
"""The folder from which Python imports the engine."""
COMMAND = PACKAGE / "cli" / "main.py"
"""The command. Started by its path it finds the engine where an isolated Python (-I) does not search: in the user's
site-packages (`pip install --user`) and in the folders of PYTHONPATH."""


def cache_folder() -> Path:
    """The folder for files that can be recreated."""
    return SUITE / ".cache" if IN_CLONE else _xdg("XDG_CACHE_HOME", ".cache")


def tools_folder() -> Path:
    """The folder for downloaded programs."""
    return SUITE / ".toolbox" if IN_CLONE else cache_folder() / "toolbox"


def state_folder() -> Path:
    """The folder for files that cannot be recreated: the monitor's history, the record of restore drills."""
    return SUITE / "reports" / "out" if IN_CLONE else _xdg("XDG_STATE_HOME", ".local/state")


def output_folder(suite: Path | None) -> Path:
    """The folder for the output of runs: in the team's suite, else in the clone, else in the working directory."""
    return (suite or (SUITE if IN_CLONE else Path.cwd())) / "reports" / "out"


def is_ours(file: str) -> bool:
    """Whether a source file belongs to the engine or to the built-in suite."""
    return Path(file).is_relative_to(PACKAGE) or Path(file).is_relative_to(SUITE / "checks")


def shown(file: str) -> str:
    """The path of one of our source files, independent of where it is installed."""
    path = Path(file)
    return str(path.relative_to(SUITE if path.is_relative_to(SUITE) else CODE))


def _xdg(variable: str, below_home: str) -> Path:
    named = os.environ.get(variable, "")
    # The specification says to ignore relative paths.
    base = Path(named) if os.path.isabs(named) else _home() / below_home
    return base / "runbook-checks"


def _home() -> Path:
    """The user's home; for a user without one (as in some containers), a path where no file can be created."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)
