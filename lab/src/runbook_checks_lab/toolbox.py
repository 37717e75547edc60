"""Find the programs that are not in Python packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from runbook_checks_lab.folders import CLONE

TOOLBOX = CLONE / ".toolbox" if CLONE else None
"""Programs that `make set-up` unpacks in a clone, without root. Outside a clone only PATH is searched."""
FOLDERS = ("usr/sbin", "usr/bin", "usr/lib/chromium")
PACKAGES = {"mariadbd": "mariadb-server-core", "prometheus": "prometheus", "promtool": "prometheus"}
"""Program -> Debian package."""


class NotHere(OSError):
    """The program is not installed; the message says how to install it."""


def find(program: str) -> Path:
    """Return the program from PATH, otherwise from the toolbox."""
    own = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if own:
        return Path(own)
    boxes = sorted(TOOLBOX.glob("*")) if TOOLBOX else []
    for path in (box / folder / program for box in boxes for folder in FOLDERS):
        if path.is_file():
            return path
    raise NotHere(_advice(program))


def _advice(program: str) -> str:
    if TOOLBOX:
        return f"{program} is neither on PATH nor in .toolbox: install it, or run `make set-up` with a network"
    package = PACKAGES.get(program, program)
    return f"{program} is not on PATH: install it (Debian's package {package})"


def root_of(program: Path) -> Path:
    """Return the folder that contains the program's files: its folder in the toolbox, or the root folder."""
    if TOOLBOX and program.is_relative_to(TOOLBOX):
        return TOOLBOX / program.relative_to(TOOLBOX).parts[0]
    return Path("/")


def libraries(program: Path) -> dict[str, str]:
    """Return the environment in which a toolbox program finds the libraries unpacked with it."""
    root = root_of(program)
    if root == Path("/"):
        return dict(os.environ)
    found = [path for place in ("usr/lib", "lib") for path in root.glob(f"{place}/**/*.so*")]
    folders = sorted({str(path.parent) for path in found})
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}
