"""Know whose history a state folder holds: two environment files of one name would resolve each other's alerts in turn.

The history keeps the path of its environment file. Another file goes on with it where it is the same one (by another
path, or a copy), where the old one is gone (a moved checkout, a renamed file, another mount), or with `--adopt`.
It takes the old one's place in the last two cases only: a copy that was tried once owns nothing.
A file that was left behind in this way and comes back is a second one.
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
    """What is wrong where the history belongs to another environment file; nothing where this one may go on with it."""
    here, kept = os.path.abspath(path), peek(history, FILE)
    if not kept or _is_same(Path(kept), Path(here)):
        return ""
    if not Path(kept).is_file() and here not in json.loads(peek(history, FORMER) or "[]"):
        return ""
    return (
        f"{path}: {history.parent} belongs to the environment of the same name in {kept}; give this one another name or"
        " another state folder, or run once with --adopt where it takes the other's place"
    )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other) or one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def keep(store: Store, path: Path, *, adopts: bool) -> None:
    """Write down whose history it is from now on."""
    here, kept = os.path.abspath(path), store.note(FILE)
    if kept != here and (adopts or not _is_same(Path(kept), Path(here))):
        former = {*json.loads(store.note(FORMER) or "[]"), *([kept] if kept else [])} - {here}
        store.keep(FORMER, json.dumps(sorted(former)))
        store.keep(FILE, here)
