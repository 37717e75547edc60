"""List backups, newest first: in a folder, in a bucket, or as Neon's branches."""

from __future__ import annotations

import re
from calendar import timegm
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from time import strptime
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol
from urllib.parse import quote, urlencode

from runbook_checks.inputs.regular_file import open_regular, why
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.host.files import newest
from runbook_checks.probes.http.json_api import Api, document, malformed, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runbook_checks.probes.http.client import Http
    from runbook_checks.probes.http.response import Answer
    from runbook_checks.probes.providers.object_storage import Bucket

RESOURCE = "backups"
MOST_OBJECTS, MOST_PAGES, PAGE = 50_000, 200, 100
DAY_S = 86400
_DATE = re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d{3})")


@dataclass(frozen=True)
class Backup:
    """One backup. `at` in seconds since the epoch, `size` in bytes if known."""

    name: str
    at: float
    size: int | None = None


class Source(Protocol):
    """A place where backups are."""

    kind: str
    place: str

    def newest_first(self) -> list[Backup]: ...


class Dumps(Source, Protocol):
    """A place whose backups are files that can be read."""

    def opened(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one for reading."""


class OneBackup:
    """One backup from an API: id, and created_at in ISO 8601. NoReading kind malformed-answer."""

    def __init__(self, kind: str, place: str, backup: dict[str, Any] | None) -> None:
        self.kind, self.place, self._backup = kind, place, backup

    def newest_first(self) -> list[Backup]:
        if self._backup is None:
            return []
        created = str(self._backup.get("created_at"))
        try:
            at = datetime.fromisoformat(created)
        except ValueError:
            reason = f"{self.place} gives no valid time of its backup (created_at is {created[:40]!r})"
            raise NoReading(RESOURCE, reason, kind="malformed-answer") from None
        # Without a zone it is UTC.
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return [Backup(str(self._backup["id"]), at.timestamp())]


class Folder:
    """Dumps in a folder. NoReading kind unreadable."""

    kind = "folder"

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder, self._pattern, self.place = folder, pattern, str(folder)

    def newest_first(self) -> list[Backup]:
        return _sorted(
            Backup(file.path.name, made_at(file.path.name, file.mtime), file.size)
            for file in newest(self._folder, self._pattern)
        )

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:

        try:
            file = open_regular(self._folder / name)
        except OSError as error:
            raise NoReading(RESOURCE, f"{name} cannot be read: {why(error)}", kind="unreadable") from None
        with file:
            yield file


class InBucket:
    """Dumps in a bucket; `pattern` matches the names after the prefix. NoReading kinds as object_storage."""

    kind = "bucket"

    def __init__(self, bucket: Bucket, prefix: str, pattern: str) -> None:
        self._bucket, self._prefix, self._pattern = bucket, prefix, pattern
        self.place = f"s3://{bucket.bucket}/{prefix}"

    def newest_first(self) -> list[Backup]:
        found = self._bucket.listed(self._prefix, MOST_OBJECTS)
        if len(found) >= MOST_OBJECTS:
            raise NoReading(
                RESOURCE,
                f"{self.place} contains {MOST_OBJECTS} objects or more: narrow backups.bucket.prefix",
                kind="too-many",
            )
        names = {entry.key.removeprefix(self._prefix): entry for entry in found}
        return _sorted(
            Backup(name, made_at(name, entry.modified), entry.size)
            for name, entry in names.items()
            if fnmatchcase(name, self._pattern)
        )

    def opened(self, name: str) -> AbstractContextManager[BinaryIO]:
        return self._bucket.opened(self._prefix + name)


class Branches:
    """Branches of a project at Neon, from its API (v2): GET /projects/ID/branches, in pages.

    NoReading kinds: access-denied, project-missing, rate-limited, wrong-status, malformed-answer.
    """

    kind = "neon"

    def __init__(self, http: Http, project: str, pattern: str) -> None:
        self._api, self._project, self._pattern = Api(http, RESOURCE), project, pattern
        self.place = f"Neon's project {project}"

    def newest_first(self) -> list[Backup]:
        branches, cursor, seen = [], None, set[str]()
        while len(seen) < MOST_PAGES:
            query = urlencode({"limit": PAGE} | ({"cursor": cursor} if cursor else {}))
            answer = self._api.get(f"/projects/{quote(self._project, safe='')}/branches?{query}")
            page = self._page(answer)
            branches += [_branch(answer, entry) for entry in page["branches"]]
            cursor = _next(answer, page)
            if not cursor or cursor in seen:
                return _sorted(one for one in branches if one and fnmatchcase(one.name, self._pattern))
            seen.add(cursor)
        raise NoReading(RESOURCE, f"{self.place} lists more than {MOST_PAGES} pages of branches", kind="too-many")

    def _page(self, answer: Answer) -> dict[str, Any]:
        if answer.status != 200:
            kinds = {401: "access-denied", 403: "access-denied", 404: "project-missing"}
            reason = f"Neon answers HTTP {answer.status} for project {self._project}: {_message(answer)}"
            raise NoReading(RESOURCE, reason, kind=kinds.get(answer.status, "wrong-status"))
        page = document(answer, RESOURCE)
        if not isinstance(page.get("branches"), list):
            raise malformed(RESOURCE, answer, "has no list of branches")
        return page


def _next(answer: Answer, page: dict[str, Any]) -> str | None:
    """The cursor of the next page, None after the last."""
    pagination = page.get("pagination") or {}
    cursor = pagination.get("next") if isinstance(pagination, dict) else pagination
    if not isinstance(cursor, str | None):
        raise malformed(RESOURCE, answer, "has an invalid cursor of the next page")
    return cursor


def _branch(answer: Answer, entry: Any) -> Backup | None:
    """The backup, None for a branch that is still being created."""
    try:
        at = datetime.fromisoformat(entry["created_at"]).timestamp()
        return None if entry.get("current_state") == "init" else Backup(str(entry["name"]), at)
    except (TypeError, KeyError, ValueError, AttributeError):
        raise malformed(RESOURCE, answer, "has a branch without name or time") from None


def _message(answer: Answer) -> str:
    try:
        return said(document(answer, RESOURCE).get("message") or "no reason given")
    except NoReading:
        return "no reason given"


def _sorted(backups: Any) -> list[Backup]:
    """Newest first: by the day in the name before the time, because a copy has the time of the copying."""

    def age(backup: Backup) -> tuple[float, float, str]:
        return -min(backup.at, _day(backup.name) or backup.at), -backup.at, backup.name

    return sorted(backups, key=age)


def made_at(name: str, changed: float) -> float:
    """When a file was made: no later than the end of the day in its name, in any time zone.

    A copy or a download has the time of the copying.
    """
    day = _day(name)
    return changed if day is None else min(changed, day + 1.5 * DAY_S)


def _day(name: str) -> float | None:
    """When the day in a name begins, in UTC; None without one."""
    found = _DATE.search(name)
    try:
        return timegm(strptime("".join(found.groups()), "%Y%m%d")) if found else None
    except ValueError:
        return None
