"""Set the folder for hypothesis' caches: a private one, never a predictable name that another user could create."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from runbook_checks.locations import cache_folder

OURS = cache_folder() / "hypothesis"


@cache
def settle() -> None:
    """Set hypothesis' home, once and before its first use; otherwise it writes into the working directory."""
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(_folder())


def _folder() -> Path:
    try:
        OURS.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=OURS).close()
    except OSError:
        made = tempfile.mkdtemp(prefix="runbook-checks-hypothesis-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        return Path(made)
    return OURS
