"""Read a file that may turn out to be anything, without waiting for a pipe or a device."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """A regular file, opened for reading; OSError where it is something else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise OSError(0, "its name holds a NUL") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, most: int) -> bytes:
    """At most so many bytes and one of a regular file; OSError where it is something else."""
    with open_regular(path) as stream:
        return stream.read(most + 1)


def require_regular(path: str) -> None:
    """OSError where a library that opens files by name would wait for a pipe, or read a device for ever."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "it is not a regular file")


def why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
