"""Check that the newest backup is recent and complete, and that it can be restored."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.backups import Backups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runbook_checks.probes.backups.inventory import Backup, Dumps, Source

HOUR_S = 3600
BEING_WRITTEN_S = 600
PREDECESSORS = 7


def _in_each(places: Sequence[Any], look: Callable[[Any, str | None], Found | None]) -> None:
    """Raise what is found in all places, else the first NoReading of one.

    If there are several places, their kinds are the subjects of the findings.
    """
    found, unread = [], list[NoReading]()
    for place in places:
        try:
            found.append(look(place, place.kind if len(places) > 1 else None))
        except NoReading as gone:
            unread.append(gone)
    Found.all(one for one in found if one)
    if unread:
        raise unread[0]


@symptom("backup.stale")
def check_newest_backup_is_young(backups: Backups) -> None:
    """Everything written since the newest backup is lost with the database."""
    _in_each(backups.sources(), lambda source, subject: _stale(backups, source, subject))


def _stale(backups: Backups, source: Source, subject: str | None) -> Found | None:
    listed, now, limit_h = backups.listed(source), time.time(), backups.settings.max_age_h
    whole = [backup for backup in listed if backup.size != 0]  # a dump that failed leaves an empty file
    past = [backup for backup in whole if backup.at <= now + HOUR_S]
    known: dict[str, Any] = {"subject": subject, "wanted": f"one younger than {limit_h:g} h"}
    known |= {"place": source.place, "folder": source.place, "limit_h": limit_h}
    if not whole:
        empty = f" that is not empty ({len(listed)} empty ones)" if listed else ""
        seen = f"no backup of the expected name in {source.place}{empty}"
        return Found("none", seen=seen, newest="none", age_h="none", **known)
    if any(now - backup.at <= limit_h * HOUR_S for backup in past):
        return None
    if past != whole:
        reason = f"{whole[0].name} has a date in the future, so its age is unknown"
        raise NoReading("backups", reason, kind="date-to-come")
    newest, age_h = past[0], (now - past[0].at) / HOUR_S
    seen = f"the newest, {newest.name}, is {age_h:.0f} h old"
    return Found("too-old", seen=seen, newest=newest.name, age_h=round(age_h), **known)


@symptom("backup.corrupt")
def check_newest_dump_is_whole(backups: Backups) -> None:
    """An incomplete dump goes unnoticed until it is needed."""
    sources = backups.dumps()
    if not sources:
        raise NoReading("backups", "no dumps are configured: set backups.folder or backups.bucket", kind="no-source")
    _in_each(sources, lambda source, subject: _corrupt(backups, source, subject))


def _corrupt(backups: Backups, source: Dumps, subject: str | None) -> Found | None:
    listed = backups.listed(source)
    if not listed:
        raise NoReading("backups", f"{source.place} contains no dump", kind="no-dump")
    newest, sizes = listed[0], [backup.size for backup in listed[1 : PREDECESSORS + 1] if backup.size]
    facts = backups.inspected(source, newest)
    if facts.broken and source.kind == "folder" and time.time() - newest.at < BEING_WRITTEN_S:
        raise NoReading(
            "backups",
            f"{newest.name} is less than {BEING_WRITTEN_S // 60} min old and may not be finished",
            kind="being-written",
        )
    usual = median(sizes) if sizes else None
    least = usual * backups.settings.least_percent / 100 if usual else 0
    cause = facts.broken or ("too-small" if (newest.size or 0) < least else None)
    if cause is None:
        return None
    return Found(
        cause,
        seen=f"{newest.name}: {facts.what if facts.broken else _small(newest, usual)}",
        wanted="a dump that decompresses to its end and its maker's closing line, about as large as those before",
        subject=subject,
        place=source.place,
        newest=newest.name,
        before=listed[1].name if len(listed) > 1 else "none",
        size=newest.size,
        usual=round(usual) if usual else "unknown",
        packed=facts.packed,
        plain=facts.plain,
        what=facts.what,
        test=facts.test,
    )


def _small(newest: Backup, usual: float | None) -> str:
    return f"{newest.size} bytes, where those before it have about {usual:.0f}"


@symptom("backup.not-restorable", alone=True)
def check_newest_dump_can_be_restored(backups: Backups) -> None:
    """A dump that does not restore is no backup."""
    rule = backups.settings.drill
    dumps = [(source, backup) for source in backups.dumps() for backup in backups.listed(source)[:1]]
    if not dumps:
        raise NoReading("backups", "no dump to restore was found", kind="no-dump")
    source, newest = max(dumps, key=lambda dump: dump[1].at)
    done = backups.tried(source, newest)
    empty = [table for table, rows in done.rows.items() if not rows]
    age_h = (time.time() - newest.at) / HOUR_S
    cause, seen = None, ""
    if not done.is_over:
        cause, seen = "too-slow", f"{newest.name} was not restored within {rule.recovery_min * 60:.0f} s"
    elif done.error:
        cause, seen = "restore-error", f"{newest.name} stops with: {done.error}"
    elif empty:
        cause, seen = "rows-missing", f"after restoring {newest.name}, no rows in {', '.join(empty)}"
    if cause is None:
        backups.note_drill(newest, done)
        return
    raise Found(
        cause,
        seen=seen,
        wanted=f"restored within {rule.recovery_min:g} min, with rows in {', '.join(rule.tables)}",
        place=source.place,
        newest=newest.name,
        age_h=round(age_h, 1),
        may_be_lost_h=rule.loss_h,
        restore_s=round(done.seconds, 1),
        plain_bytes=done.plain,
        rows=done.rows,
        tables=", ".join(empty) or "none",
        limit_min=f"{rule.recovery_min:g}",
        error=done.error or "none",
    )


@symptom("backup.drill-overdue")
def check_restore_was_tried_lately(backups: Backups) -> None:
    """Without practice, a restore takes hours instead of minutes."""
    last, limit_days = backups.last_drill(), backups.settings.drill.max_age_days
    wanted = f"a successful restore within {limit_days:g} days"
    if last is None:
        seen = "no drill is recorded, and backups.drill.last is not set"
        raise Found("never-drilled", seen=seen, wanted=wanted, limit_days=f"{limit_days:g}", system=repr(backups))
    days = (time.time() - last) / (24 * HOUR_S)
    if days < -1:
        raise NoReading("backups", "the last drill has a date in the future", kind="date-to-come")
    if days > limit_days:
        seen = f"the last successful drill was {days:.0f} days ago"
        raise Found("overdue", seen=seen, wanted=wanted, age_days=round(days), limit_days=f"{limit_days:g}")
