"""A folder of our own in the shared one for temporary files, kept from run to run."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def private_folder(name: str) -> Path:
    """A folder that is ours and that nobody else may write to: the usual one, or a new one where somebody took it."""
    usual = Path(tempfile.gettempdir()) / f"runbook-checks-{os.geteuid()}-{name}"
    try:
        usual.mkdir(mode=0o700, exist_ok=True)
        found = usual.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            return usual
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix=f"runbook-checks-{name}-"))
