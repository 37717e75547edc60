"""Is there a backup young enough to be of use?"""

from __future__ import annotations

import time
from math import inf
from typing import Any

from fixtures import Found, NoReading, symptom
from fixtures.handles import BackupFolder

HOUR_S = 3600


@symptom("backup.stale")
def check_newest_backup_is_young(backups: BackupFolder) -> None:
    """What was written since the newest backup is lost when the database is."""
    files, now = backups.newest_first(), time.time()
    whole = [file for file in files if file.size]  # a dump that failed leaves an empty file
    to_come = sum(file.mtime > now + HOUR_S for file in whole)  # they come first
    evidence: dict[str, Any] = {"folder": str(backups.folder), "limit_h": backups.settings.max_age_h}
    wanted = f"one younger than {backups.settings.max_age_h:g} h"
    if not whole:
        empty = f" that is not empty ({len(files)} are)" if files else ""
        seen = f"no file named {backups.settings.pattern} in {backups.folder}{empty}"
        raise Found("none", seen=seen, wanted=wanted, newest="none", age_h="none", **evidence)
    newest = whole[to_come] if to_come < len(whole) else None
    age_h = (now - newest.mtime) / HOUR_S if newest else inf
    if age_h <= backups.settings.max_age_h:
        return
    if to_come:
        reason = f"{whole[0].path.name} bears a date to come, so its age can't be told"
        raise NoReading("backups", reason, kind="date-to-come")
    if newest:
        seen = f"the newest, {newest.path.name}, is {age_h:.0f} h old"
        raise Found("too-old", seen=seen, wanted=wanted, newest=newest.path.name, age_h=round(age_h), **evidence)
