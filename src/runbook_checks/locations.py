"""Where the built-in suite lies, and where files are kept between runs.

In a clone everything lies in the clone. Installed from a wheel, the folders are the user's own, as the XDG Base
Directory Specification names them.
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
"""The folder that Python imports the engine from."""
COMMAND = PACKAGE / "cli" / "main.py"
"""The command. Started by its path it finds the engine where an isolated Python (-I) does not look: in a user's own
site-packages (`pip install --user`) and in a folder of PYTHONPATH."""


def cache_folder() -> Path:
    """The folder for what can be made again."""
    return SUITE / ".cache" if IN_CLONE else _xdg("XDG_CACHE_HOME", ".cache")


def tools_folder() -> Path:
    """The folder for programs that are fetched."""
    return SUITE / ".toolbox" if IN_CLONE else cache_folder() / "toolbox"


def state_folder() -> Path:
    """The folder for what can't be made again: the monitor's history, the record of restore drills."""
    return SUITE / "reports" / "out" if IN_CLONE else _xdg("XDG_STATE_HOME", ".local/state")


def output_folder(suite: Path | None) -> Path:
    """The folder for the runs of a team's suite; without one, of the clone or of the working directory."""
    return (suite or (SUITE if IN_CLONE else Path.cwd())) / "reports" / "out"


def is_ours(file: str) -> bool:
    """Whether a source file belongs to the engine or to the built-in suite."""
    return Path(file).is_relative_to(PACKAGE) or Path(file).is_relative_to(SUITE / "checks")


def shown(file: str) -> str:
    """The path of a source file of ours, without what differs from machine to machine."""
    path = Path(file)
    return str(path.relative_to(SUITE if path.is_relative_to(SUITE) else CODE))


def _xdg(variable: str, below_home: str) -> Path:
    named = os.environ.get(variable, "")
    # The specification has relative paths ignored.
    base = Path(named) if os.path.isabs(named) else _home() / below_home
    return base / "runbook-checks"


def _home() -> Path:
    """The user's home; where there is none (a container's user without a name), a place that takes no file."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)
