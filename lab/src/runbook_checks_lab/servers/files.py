"""How is a file or a folder taken away, or made unreadable even for root, and put back?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def away(path: Path) -> Iterator[None]:
    aside = path.with_name(path.name + ".away")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """No permission for an ordinary user; root has every permission, so it meets the wrong kind of thing."""
    if os.geteuid() != 0:
        mode = path.stat().st_mode
        path.chmod(0)
        try:
            yield
        finally:
            path.chmod(mode)
        return
    is_folder = path.is_dir()
    with away(path):
        path.touch() if is_folder else path.mkdir()
        try:
            yield
        finally:
            path.unlink() if is_folder else path.rmdir()
