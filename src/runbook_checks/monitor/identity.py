"""Refuse a state folder that belongs to another environment file of the same name.

Two such files would resolve each other's alerts. The history records the path of its environment file. Another file
may continue it if it is the same file or a copy, if the recorded file is gone (a moved checkout, a renamed file,
another mount), or with `--adopt`. In the last two cases its path is recorded, and the earlier file is refused from
then on.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.monitor.store import peek

if TYPE_CHECKING:
    from runbook_checks.monitor.store import Store

FILE, FORMER = "environment_file", "environment_files_before"


def conflict(history: Path, path: Path) -> str:
    """An error message where the history belongs to another environment file; empty where this one may continue it."""
    here, kept = os.path.abspath(path), peek(history, FILE)
    if not kept or _is_same(Path(kept), Path(here)):
        return ""
    if not Path(kept).is_file() and here not in json.loads(peek(history, FORMER) or "[]"):
        return ""
    return (
        f"{path}: {history.parent} belongs to the environment of the same name in {kept}; give this one another name or"
        " another state folder, or run once with --adopt if it replaces the other"
    )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other) or one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def keep(store: Store, path: Path, *, adopts: bool) -> None:
    """Record the environment file that the history belongs to."""
    here, kept = os.path.abspath(path), store.note(FILE)
    if kept != here and (adopts or not _is_same(Path(kept), Path(here))):
        former = {*json.loads(store.note(FORMER) or "[]"), *([kept] if kept else [])} - {here}
        store.keep(FORMER, json.dumps(sorted(former)))
        store.keep(FILE, here)
