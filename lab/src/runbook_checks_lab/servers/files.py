"""Remove a file or folder, or make it unreadable even for root, and restore it."""

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
    """Remove the permissions. Root ignores permissions, so for root the path becomes something of the wrong type."""
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
