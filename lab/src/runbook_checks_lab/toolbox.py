"""Where is a program that no Python package brings?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

TOOLBOX = Path(__file__).resolve().parents[3] / ".toolbox"
FOLDERS = ("usr/sbin", "usr/bin", "usr/lib/chromium")


class NotHere(OSError):
    """The program is not to be had on this machine; the text says what to do."""


def find(program: str) -> Path:
    """The machine's own, else the unpacked one."""
    own = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    unpacked = [place / folder / program for place in sorted(TOOLBOX.glob("*")) for folder in FOLDERS]
    for path in [Path(own)] if own else [path for path in unpacked if path.is_file()]:
        return path
    raise NotHere(f"{program} is neither on PATH nor in .toolbox: install it, or run `make set-up` with a network")


def root_of(program: Path) -> Path:
    """Below which folder a program's own files lie: that of its part of the toolbox, or the machine's."""
    return TOOLBOX / program.relative_to(TOOLBOX).parts[0] if program.is_relative_to(TOOLBOX) else Path("/")


def libraries(program: Path) -> dict[str, str]:
    """The environment in which an unpacked program finds the libraries unpacked beside it."""
    if not program.is_relative_to(TOOLBOX):
        return dict(os.environ)
    found = [path for place in ("usr/lib", "lib") for path in root_of(program).glob(f"{place}/**/*.so*")]
    folders = sorted({str(path.parent) for path in found})
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}
