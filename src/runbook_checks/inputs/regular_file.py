"""Read regular files only, so that a pipe or a device in place of one is not waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; OSError if it is anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise OSError(0, "its name contains a NUL") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, most: int) -> bytes:
    """Read at most `most` + 1 bytes of a regular file; OSError if it is anything else."""
    with open_regular(path) as stream:
        return stream.read(most + 1)


def require_regular(path: str) -> None:
    """Raise OSError if a library that opens this file by name would wait for a pipe, or read a device forever."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "it is not a regular file")


def why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
