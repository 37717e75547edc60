"""When was a log line written, how grave is it, and what does it say?

Known: RFC 3339, `2026-05-04 13:44:39,123`, Go's `2026/05/04 13:44:39`, JSON lines, and logfmt as Go's slog and
logrus write it (`time=... level=... msg="..."`); invocations of Cloudflare Workers (probes.logs.cloudflare_workers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbook_checks.probes.core.json_text import parsed
from runbook_checks.probes.logs.cloudflare_workers import is_invocation, logged

MAX_MESSAGE = 2000
MAX_GROUP = 300
LEVEL_WITHIN = 80
_TIME = re.compile(
    r"(?:(?:time|ts|timestamp)=)?[\"\[(]?"
    r"(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})?"
    r"[\"\])]?[\s|:-]*",
    re.ASCII,
)
_NAMES = r"TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|FATAL|CRITICAL|CRIT|PANIC|ALERT|EMERG"
_LEVEL_FIRST = re.compile(rf"[\s\[(<|:-]*\b({_NAMES})\b[\])>:|]*(?:\s+-\s)?\s*", re.IGNORECASE)
_LEVEL_INSIDE = re.compile(rf"\b({_NAMES})\b")
_FIELD_LEVEL = re.compile(r'\b(?:level|lvl|severity)="?(\w+)')
_FIELD_MESSAGE = re.compile(r'\b(?:msg|message)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_LEVELS = {"ERR": "ERROR", "WARNING": "WARN", "CRITICAL": "FATAL", "CRIT": "FATAL", "DPANIC": "PANIC"}
# As bunyan and pino number them.
_NUMBERED = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL"}
_TIME_KEYS = ("time", "ts", "timestamp", "@timestamp")
_LEVEL_KEYS = ("level", "severity", "lvl", "log.level")
_MESSAGE_KEYS = ("msg", "message", "error")
# Seconds, milli-, micro- or nanoseconds since the epoch: told by their size, good until the year 5138.
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))
_IDS = re.compile(
    r"(\[redacted[^\]\s]*\])"  # what stands in the place of a secret, and tells which: not one of these
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"  # UUIDs
    r"|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"  # IPv4 addresses
    r"|\[?(?<![\w:])(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,7}(?![\w:])\]?(?::\d+)?"  # IPv6
    r"|\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"  # hashes
    r"|(?<![A-Za-z])(?<!\d\d)\d++(?:\.\d++)*(?:ns|us|µs|ms|s|m|h|[KMG]i?B)?\b"  # numbers with their units
)
_QUOTED = re.compile(r'"[^"]*"|(?<!\w)\'[^\']*\'(?!\w)')


@dataclass(frozen=True)
class Entry:
    """One entry; `time` in seconds since the epoch, `level` in capitals or empty."""

    time: float
    level: str
    message: str


def entries_of(line: str, following: str = "") -> list[Entry]:
    """The entries of a line: those of a Worker's whole invocation, else the one that it begins."""
    if is_invocation(line):
        return [Entry(said.time, _named(said.level), said.message[:MAX_MESSAGE]) for said in logged(line)]
    entry = entry_of(line, following)
    return [] if entry is None else [entry]


def entry_of(line: str, following: str = "") -> Entry | None:
    """The entry a line begins, None for a line that belongs to the one before. `following` is such a line after it."""
    if line.startswith("{"):
        return _from_json(line)
    match = _TIME.match(line)
    moment = _moment(match) if match else None
    if match is None or moment is None:
        return None
    level, message = _level_and_message(line[match.end() :])
    message = message or following.strip()
    return Entry(moment, level, message[:MAX_MESSAGE])


def entry_at(moment: float, line: str, level: str = "") -> Entry:
    """An entry whose time is told beside its line, and maybe its level too; the line's own level counts first."""
    document = _object(line)
    if document is not None:
        own, message = _json_level(document), str(_first(document, _MESSAGE_KEYS) or line)
    else:
        match = _TIME.match(line)
        own, message = _level_and_message(line[match.end() :] if match else line)
    return Entry(moment, own or _named(level), message[:MAX_MESSAGE])


def _level_and_message(rest: str) -> tuple[str, str]:
    if field := _FIELD_LEVEL.search(rest[:LEVEL_WITHIN]):
        said = _FIELD_MESSAGE.search(rest)
        told = said and (said[2] if said[1] is None else re.sub(r"\\(.)", r"\1", said[1]))
        return _named(field[1]), (told or rest).strip()
    if first := _LEVEL_FIRST.match(rest):
        return _named(first[1]), rest[first.end() :].strip()
    inside = _LEVEL_INSIDE.search(rest[:LEVEL_WITHIN])
    return _named(inside[1]) if inside else "", rest.strip()


def _named(level: str) -> str:
    return _LEVELS.get(level.upper(), level.upper())


def _moment(match: re.Match[str]) -> float | None:
    year, month, day, hour, minute, second = (int(text) for text in match.groups()[:6])
    fraction = float(f"0.{match[7]}") if match[7] else 0.0
    zone = match[8]
    try:
        # A leap second is the last one twice.
        moment = datetime(year, month, day, hour, minute, min(second, 59))
        return (moment.timestamp() if zone is None else _zoned(moment, zone)) + fraction
    except (ValueError, OverflowError, OSError):
        return None


def _zoned(moment: datetime, zone: str) -> float:
    stamp = moment.replace(tzinfo=UTC).timestamp()
    if zone == "Z":
        return stamp
    sign = -1 if zone[0] == "+" else 1
    digits = zone[1:].replace(":", "")
    return stamp + sign * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _from_json(line: str) -> Entry | None:
    document = _object(line)
    moment = None if document is None else _json_moment(_first(document, _TIME_KEYS))
    if document is None or moment is None:
        return None
    return Entry(moment, _json_level(document), str(_first(document, _MESSAGE_KEYS) or "")[:MAX_MESSAGE])


def _object(line: str) -> dict[str, Any] | None:
    try:
        document = parsed(line, is_strict=False)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _json_level(document: Mapping[str, Any]) -> str:
    level = _first(document, _LEVEL_KEYS)
    return _NUMBERED.get(level, "") if isinstance(level, int) else _named(str(level or ""))


def _first(document: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((document[key] for key in keys if key in document), None)


def _json_moment(told: object) -> float | None:
    if isinstance(told, str):
        match = _TIME.match(told)
        if match:
            return _moment(match)
        told = float(told) if re.fullmatch(r"\d{9,19}(?:\.\d+)?", told, re.ASCII) else None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told < 1e20:
        return None
    return told / next(unit for least, unit in _UNITS if told >= least)


def group_message(text: str) -> str:
    """The message with ids, numbers, addresses and quoted values replaced, so that alike ones are counted together."""
    return " ".join(_IDS.sub(lambda found: found[1] or "#", _QUOTED.sub("'...'", text)).split())[:MAX_GROUP]
