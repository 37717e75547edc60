"""Read the facts of a file, and list the newest files of a folder."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from runbook_checks.inputs.regular_file import why
from runbook_checks.probes.core.reading import NoReading, reading


@dataclass(frozen=True)
class FileFacts:
    """One file. `size` in bytes, `mtime` in seconds since the epoch."""

    path: Path
    size: int
    mtime: float
    is_executable: bool


def look_at(path: Path, *, resource: str = "rollback") -> FileFacts | None:
    """The facts of a regular file, or None if it does not exist."""
    with reading(f"look at {path}") as facts:
        try:
            state = path.stat()
        except FileNotFoundError:
            facts["exists"] = False
            return None
        except (OSError, ValueError) as error:
            raise NoReading(resource, f"{path} can't be looked at: {_why(error)}", kind="unreadable") from None
        if not stat.S_ISREG(state.st_mode):
            raise NoReading(resource, f"{path} is not a file", kind="unreadable")
        # By its mode: access(2) answers for our user alone, and the rollback may run as another.
        found = FileFacts(path, state.st_size, state.st_mtime, bool(state.st_mode & 0o111))
        facts.update(exists=True, size=found.size, mtime=found.mtime, is_executable=found.is_executable)
        return found


def newest(folder: Path, pattern: str = "*", *, resource: str = "backups") -> list[FileFacts]:
    """The regular files of a folder whose names match a pattern, newest first."""
    with reading(f"list {folder}") as facts:
        try:
            with os.scandir(folder) as entries:
                found = [_facts(entry) for entry in entries if fnmatch(entry.name, pattern)]
        except (OSError, ValueError) as error:
            raise NoReading(resource, f"{folder} can't be listed: {_why(error)}", kind="unreadable") from None
        files = sorted((f for f in found if f is not None), key=lambda f: (-f.mtime, f.path.name))
        facts["files"] = len(files)
        facts["newest"] = files[0].path.name if files else None
        return files


def _why(error: OSError | ValueError) -> str:
    return why(error) if isinstance(error, OSError) else "its name holds a NUL"


def _facts(entry: os.DirEntry[str]) -> FileFacts | None:
    """None for a folder, a dangling link, or a file that was deleted meanwhile."""
    try:
        state = entry.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    if not stat.S_ISREG(state.st_mode):
        return None
    return FileFacts(Path(entry.path), state.st_size, state.st_mtime, bool(state.st_mode & 0o111))
