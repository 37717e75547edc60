"""Folders of the lab: one for each run, and the cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "runbook-checks-lab-"
ALIVE = "alive"
YOUNG_S = 60.0
LONGEST = 50
PACKAGE = Path(__file__).resolve().parent


def _clone() -> Path | None:
    folder = PACKAGE.parent.parent
    return folder.parent if folder.name == "lab" and (folder / "pyproject.toml").is_file() else None


CLONE = _clone()
"""The top of the repository that contains this package in lab/src/; None if the package is installed."""


class RunFolder:
    """A private folder for one lab, with a lock that the kernel releases when the process dies."""

    def __init__(self) -> None:
        remove_stale()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place()))
        half_made = self.path / f"{ALIVE}.new"
        self._lock = half_made.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        half_made.rename(self.path / ALIVE)  # it never exists under this name without the lock

    def sub(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def place() -> str:
    """Return the temporary folder, or /tmp if its path is too long for a Unix socket (107 bytes, unix(7))."""
    given = tempfile.gettempdir()
    return given if len(os.fsencode(given)) <= LONGEST else "/tmp"  # noqa: S108  a fresh folder is made inside


def remove_stale() -> None:
    """Remove the folders of labs that were killed."""
    for folder in Path(place()).glob(PREFIX + "*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        if not _is_ours(folder):
            return False
        lock = os.open(folder / ALIVE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(lock)
    except FileNotFoundError:
        return folder.exists() and time.time() - folder.stat().st_mtime > YOUNG_S
    except OSError:
        return False
    return True


def _is_ours(folder: Path) -> bool:
    """Whether the folder is owned by this user, is not a symbolic link and is not writable by everyone."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o002


def cache_folder() -> Path:
    """Return the first writable folder: the clone's, the user's cache, or one in the temporary folder."""
    for folder in _cache_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _is_ours(folder) and os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def _cache_folders() -> Iterator[Path]:
    if CLONE:
        yield CLONE / ".cache" / "lab"
    for home in (os.environ.get("XDG_CACHE_HOME", ""), os.path.expanduser("~/.cache")):
        if os.path.isabs(home):  # the XDG Base Directory Specification ignores a relative path
            yield Path(home) / "runbook-checks-lab"
    # Not named with PREFIX: labs remove abandoned folders with that prefix.
    yield Path(tempfile.gettempdir()) / f"runbook-checks-cache-{os.geteuid()}"


def key_of(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
