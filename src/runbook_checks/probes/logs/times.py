"""Read the time at the beginning of a log line.

A time without a zone is this host's. One without a year is the newest that is at most a day ahead of the clock.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

DAY_S = 24 * 3600.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*"
_CLOCK = r"(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?"
_RFC = re.compile(
    r"(?:<\d{1,3}>\d )?(?:[A-Z], )?(?:(?:time|ts|timestamp)=)?[\"\[(]?"
    r"(?P<year>\d{4})[-/](?P<month>\d{2})[-/](?P<day>\d{2})[T ]" + _CLOCK + r"\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
    r"(?:\s?#\d+)?[\"\])]?[\s|:-]*",
    re.ASCII,
)
_OTHERS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        # Apache's error log: [Mon May 04 12:00:00.123456 2026]
        rf"\[[A-Z][a-z]{{2}} {_MONTH} (?P<day>\d{{2}}) {_CLOCK} (?P<year>\d{{4}})\]\s*",
        # PHP and php-fpm: [04-May-2026 12:00:00 UTC]; Tomcat, without brackets
        rf"\[?(?P<day>\d{{2}})-{_MONTH}-(?P<year>\d{{4}}) {_CLOCK}"
        r"(?: (?P<zone>[A-Z][A-Za-z]+(?:/[A-Za-z_/-]+)?)\])?\]?\s*",
        # Django's development server: [04/May/2026 12:00:00]
        rf"\[(?P<day>\d{{2}})/{_MONTH}/(?P<year>\d{{4}})[ :]{_CLOCK}(?: (?P<zone>[+-]\d{{4}}))?\]\s*",
        # syslog, RFC 3164: <34>Oct  1 22:14:15
        rf"(?:<(?P<priority>\d{{1,3}})>)?{_MONTH} +(?P<day>\d{{1,2}}) {_CLOCK}\s+",
        # java.util.logging: May 04, 2026 12:00:00 PM
        rf"{_MONTH} (?P<day>\d{{1,2}}), (?P<year>\d{{4}}) (?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}):(?P<second>\d{{2}})"
        r"[ \u202f](?P<half>[AP]M)\s*",
        # klog, as Kubernetes writes it: E0504 12:00:00.123456
        rf"(?P<letter>[IWEF])(?P<month>\d{{2}})(?P<day>\d{{2}}) {_CLOCK}\s+",
    )
)


@dataclass(frozen=True)
class Stamp:
    """A time (seconds since the epoch), where the text after it begins, and a level that stands before or in it."""

    time: float
    end: int
    syslog: int | None = None
    letter: str = ""
    has_year: bool = True


def leading(line: str) -> Stamp | None:
    """The time at the beginning of a line, or None."""
    match = _RFC.match(line)
    if match is None:
        if not line[:1] or line[0] not in "[<ABCDEFIJMNOSW0123":
            return None
        match = next(filter(None, (form.match(line) for form in _OTHERS)), None)
    if match is None:
        return None
    found = match.groupdict()
    moment = _moment(found)
    if moment is None:
        return None
    priority = found.get("priority") or (line[1 : line.find(">")] if line.startswith("<") else "")
    severity = int(priority) % 8 if priority.isdecimal() else None
    return Stamp(moment, match.end(), severity, found.get("letter") or "", bool(found.get("year")))


def of_text(text: str) -> float | None:
    """The time that a text begins with."""
    stamp = leading(text)
    return None if stamp is None else stamp.time


def _moment(found: Mapping[str, str]) -> float | None:
    month = found["month"]
    try:
        hour = int(found["hour"])
        if found.get("half"):
            hour = hour % 12 + (12 if found["half"] == "PM" else 0)
        parts = (
            int(month) if month.isdecimal() else _MONTHS.index(month) + 1,
            int(found["day"]),
            hour,
            int(found["minute"]),
            min(int(found["second"]), 59),  # a leap second is the last one twice
        )
        fraction = float(f"0.{found.get('fraction') or 0}")
        if year := found.get("year"):
            return _at(int(year), parts, found.get("zone")) + fraction
        return _newest(parts) + fraction
    except (ValueError, OverflowError, OSError, KeyError):
        return None


def _newest(parts: tuple[int, int, int, int, int]) -> float:
    now = time.time()
    year = datetime.fromtimestamp(now).year
    years = (one for one in range(year + 1, year - 4, -1) if parts[:2] != (2, 29) or one % 4 == 0)
    return next(moment for one in years if (moment := _at(one, parts, None)) <= now + DAY_S)


def _at(year: int, parts: tuple[int, int, int, int, int], zone: str | None) -> float:
    month, day, hour, minute, second = parts
    moment = datetime(year, month, day, hour, minute, second)
    if zone is None:
        return moment.timestamp()
    if zone[0] not in "+-":
        return moment.replace(tzinfo=_named(zone)).timestamp()
    # Not timezone(): an offset may be beyond what it takes.
    digits = zone[1:].replace(":", "")
    offset_s = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return moment.replace(tzinfo=UTC).timestamp() + (-offset_s if zone[0] == "+" else offset_s)


def _named(zone: str) -> tzinfo:
    return UTC if zone in ("Z", "UTC", "GMT") else ZoneInfo(zone)
