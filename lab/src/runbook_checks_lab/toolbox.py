"""Find the programs that no Python package brings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from runbook_checks_lab.folders import CLONE

TOOLBOX = CLONE / ".toolbox" if CLONE else None
"""What `make set-up` of a clone unpacks without root; outside a clone there is only PATH."""
FOLDERS = ("usr/sbin", "usr/bin", "usr/lib/chromium")
PACKAGES = {"mariadbd": "mariadb-server-core", "prometheus": "prometheus", "promtool": "prometheus"}
"""By program: Debian's package."""


class NotHere(OSError):
    """The machine does not have the program; the text is one sentence that says what to do."""


def find(program: str) -> Path:
    """The machine's own program, else the one in the toolbox."""
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
    """The folder that the program's own files lie below: its box in the toolbox, or the machine's root."""
    if TOOLBOX and program.is_relative_to(TOOLBOX):
        return TOOLBOX / program.relative_to(TOOLBOX).parts[0]
    return Path("/")


def libraries(program: Path) -> dict[str, str]:
    """The environment in which a program of the toolbox finds the libraries unpacked with it."""
    root = root_of(program)
    if root == Path("/"):
        return dict(os.environ)
    found = [path for place in ("usr/lib", "lib") for path in root.glob(f"{place}/**/*.so*")]
    folders = sorted({str(path.parent) for path in found})
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}
