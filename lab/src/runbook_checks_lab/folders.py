"""Where do a run's files live, and what becomes of them when the lab dies?"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

PREFIX = "runbook-checks-lab-"
ALIVE = "alive"
YOUNG_S = 60.0
LONGEST = 50


class RunFolder:
    """A private folder for one lab; a lock that dies with the process tells whether it is still in use."""

    def __init__(self) -> None:
        remove_stale()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place()))
        half_made = self.path / f"{ALIVE}.new"
        self._lock = half_made.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        half_made.rename(self.path / ALIVE)  # nobody finds it unlocked

    def sub(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def place() -> str:
    """The path of a Unix socket ends after 107 bytes (unix(7)), so a long temporary folder won't do."""
    given = tempfile.gettempdir()
    return given if len(os.fsencode(given)) <= LONGEST else "/tmp"  # noqa: S108  a fresh folder is made inside


def remove_stale() -> None:
    """Folders of labs that were killed are left behind by them and removed by the next one."""
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
    """No link that somebody else left in a shared place, and nothing that everybody may write to."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o002


def cache_folder() -> Path:
    """The first place that can be written to: the project, the user's cache, the temporary folder."""
    project = Path(__file__).resolve().parents[3] / ".cache"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    places = [project, Path(home) / "runbook-checks", Path(tempfile.gettempdir()) / f"runbook-checks-{os.geteuid()}"]
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _is_ours(place) and os.access(place, os.W_OK):
                return place
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def key_of(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
