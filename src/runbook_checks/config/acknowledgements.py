"""Known issues: acknowledged symptoms and maintenance windows, each with a reason and an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from runbook_checks.config.capabilities.rules import STRICT

if TYPE_CHECKING:
    from collections.abc import Iterator


def moment(text: str, *, is_end: bool = False) -> datetime:
    """A time as a file says it: 2026-12-01T18:00+01:00, UTC where no zone is said; a day ends as the next begins."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a time is written 2026-12-01, or 2026-12-01T18:00+01:00") from None
    value = value if value.tzinfo else value.replace(tzinfo=UTC)
    return value + timedelta(days=1) if is_end and len(text) <= len("2026-12-01") else value


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A symptom that somebody is working on: reported, but not counted and not alerted until its end."""

    __pydantic_config__ = STRICT
    symptom: str
    """The symptom, or several with `*`; `unreadable:RESOURCE` for a source that does not respond."""
    system: str = "*"
    """The system."""
    subject: str = "*"
    """The subject, such as a domain."""
    cause: str = "*"
    """The cause; with another cause it is a new finding."""
    reason: str
    """Why no alert is needed; shown with the symptom."""
    until: str
    """The end: a day (to its end) or a time. After that the symptom counts again."""
    by: str = ""
    """Who acknowledged it."""

    def __post_init__(self) -> None:
        moment(self.until, is_end=True)
        _says_why(self.reason)

    def covers(self, symptom: str, system: str, subject: str | None, cause: str | None) -> bool:
        pairs = ((symptom, self.symptom), (system, self.system), (subject, self.subject), (cause, self.cause))
        return all(fnmatchcase(value or "", pattern) for value, pattern in pairs)

    def has_ended(self, at: float) -> bool:
        return moment(self.until, is_end=True).timestamp() <= at

    def __str__(self) -> str:
        return f"until {self.until}{f' by {self.by}' if self.by else ''}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """A maintenance window: checks run and are recorded, but no alert is sent."""

    __pydantic_config__ = STRICT
    systems: list[str] = field(default_factory=list)
    """The systems in maintenance; without any, all."""
    begins: str
    """A day or a time."""
    ends: str
    """A day (to its end) or a time."""
    reason: str
    """The reason for the maintenance."""

    def __post_init__(self) -> None:
        if moment(self.ends, is_end=True) <= moment(self.begins):
            raise ValueError("'ends' must be later than 'begins'")
        _says_why(self.reason)

    def is_open(self, system: str, at: float) -> bool:
        begins, ends = moment(self.begins).timestamp(), moment(self.ends, is_end=True).timestamp()
        return begins <= at < ends and (not self.systems or system in self.systems)


def _says_why(reason: str) -> None:
    if not reason.strip():
        raise ValueError("'reason' must not be blank")


@dataclass(frozen=True, kw_only=True)
class Known:
    """A file of known issues."""

    __pydantic_config__ = STRICT
    acknowledged: list[Acknowledged] = field(default_factory=list)
    """Symptoms that somebody is working on."""
    maintenance: list[Window] = field(default_factory=list)
    """Times in which no alert is sent."""

    def of(self, symptom: str, system: str, subject: str | None, cause: str | None) -> Iterator[Acknowledged]:
        """The acknowledgements of a finding, whether or not they have ended."""
        return (entry for entry in self.acknowledged if entry.covers(symptom, system, subject, cause))

    def current(self, symptom: str, system: str, subject: str | None, cause: str | None, at: float) -> str:
        """What holds at a time, in words; nothing where nothing does."""
        entries = self.of(symptom, system, subject, cause)
        return next((str(entry) for entry in entries if not entry.has_ended(at)), "")

    def window(self, system: str, at: float) -> Window | None:
        return next((window for window in self.maintenance if window.is_open(system, at)), None)


NOTHING = Known()
