"""Read time, level and message of log lines, text and JSON.

Times: RFC 3339 and what resembles it, syslog, access logs, Apache, PHP, java.util.logging, klog (probes.logs.times).
Levels: by name, number, letter or HTTP status (probes.logs.levels). A container runtime's or a collector's wrapping
(Docker's json-file, CRI, syslog, a JSON message inside JSON) is removed, and the inner line read. Invocations of
Cloudflare Workers: probes.logs.cloudflare_workers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_checks.probes.core.json_text import parsed
from runbook_checks.probes.logs import levels, times
from runbook_checks.probes.logs.cloudflare_workers import is_invocation, logged
from runbook_checks.probes.logs.json_messages import message_of

MAX_MESSAGE = 2000
MAX_GROUP = 300
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CRI = re.compile(r"(?:stdout|stderr) [FP] ?")
_SYSLOG_HEAD = re.compile(r"(?:\S{1,255} )?[^\s:\[\]]{1,64}(\[\d+\])?: ")
_SEVERE_NEXT = re.compile(r"(SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST): ")
# The common and the combined format, also with a virtual host before it: host - user [time] "request" status
_ACCESS = re.compile(
    r"[^\[\"{]{1,400}(\[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\]) \"([^\"]{0,2000})\" (\d{3})\b",
    re.ASCII,
)
_REQUEST = re.compile(r"\"([^\"]{0,2000})\" (\d{3})\b", re.ASCII)
_TIME_KEYS = (
    "time", "ts", "timestamp", "@timestamp", "@t", "datetime", "asctime", "timemillis", "t", "__realtime_timestamp",
)  # fmt: skip
# Seconds, milli-, micro- or nanoseconds since the epoch: distinguished by their size, good until the year 5138.
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))
_IDS = re.compile(
    r"(\[redacted[^\]\s]*\])"  # stands in the place of a secret and names it: not one of these
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"  # UUIDs
    r"|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"  # IPv4 addresses
    r"|\[?(?<![\w:])(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,7}(?![\w:])\]?(?::\d+)?"  # IPv6
    r"|\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"  # hashes
    r"|(?<![A-Za-z])(?<!\d\d)\d++(?:\.\d++)*(?:ns|us|µs|ms|s|m|h|[KMG]i?B)?\b"  # numbers with their units
)
_QUOTED = re.compile(r'"[^"]*"|(?<!\w)\'[^\']*\'(?!\w)')
# Inside a printed object these values tell one error from another: {"errorType": "KeyError", ...}.
_TELLING = re.compile(
    r"([\"'])(code|type|name|kind|reason|msg|message|error\w*)\1\s*:\s*([\"'])([^\"']*)\3", re.IGNORECASE
)


@dataclass(frozen=True)
class Entry:
    """One entry; `time` in seconds since the epoch, `level` as probes.logs.levels names it, "" if not understood."""

    time: float
    level: str
    message: str


def entries_of(line: str, following: str = "") -> list[Entry]:
    """The entries of a line: those of a Worker's whole invocation, else the one that it begins."""
    if is_invocation(line):
        return [Entry(entry.time, levels.named(entry.level), entry.message[:MAX_MESSAGE]) for entry in logged(line)]
    entry = entry_of(line, following)
    return [] if entry is None else [entry]


def entry_of(line: str, following: str = "") -> Entry | None:
    """The entry a line begins, None for a line that belongs to the one before. `following` is such a line after it."""
    if line.startswith("{"):
        return _from_json(line)
    line = _COLOURS.sub("", line) if "\x1b" in line else line
    stamp = times.leading(line)
    if stamp is None:
        access = _ACCESS.match(line)
        moment = times.of_text(access[1]) if access else None
        return None if access is None or moment is None else Entry(moment, *_of_request(access[2], access[3]))
    rest = line[stamp.end :]
    if cri := _CRI.match(rest):
        return _wrapped(stamp.time, rest[cri.end() :])
    level, message = _of_rest(rest, stamp)
    if not level and (next_line := _SEVERE_NEXT.match(following)):
        level, message = levels.named(next_line[1]), following[next_line.end() :].strip()
    return Entry(stamp.time, level, (message or following.strip())[:MAX_MESSAGE])


def entry_at(moment: float, line: str, level: str = "", certain: str = "") -> Entry:
    """An entry whose time is given beside its line.

    `certain` is a level that its writer set beside the line: it has priority. `level` counts where the line has none.
    """
    own, message = _inner(line)
    is_continued = line[:1].isspace() and not level
    found = levels.named(certain) or own or levels.named(level) or (levels.CONTINUATION if is_continued else "")
    return Entry(moment, found, message[:MAX_MESSAGE])


def _of_rest(rest: str, stamp: times.Stamp) -> tuple[str, str]:
    """Level and message of what follows a time."""
    if request := _REQUEST.match(rest):
        return _of_request(request[1], request[2])
    if stamp.letter:
        return levels.named(stamp.letter), rest.strip()
    head = _SYSLOG_HEAD.match(rest) if not stamp.has_year or "]: " in rest else None
    if head and stamp.has_year and not head[1]:  # words of a message
        head = None
    content = rest[head.end() :] if head else rest
    level, message = _inner(content) if content.startswith("{") else levels.of_text(rest)
    if stamp.syslog is not None:
        level = levels.of_syslog(stamp.syslog)
    elif head and not level:
        level, message = levels.of_text(content)
    return level, message


def _of_request(request: str, status: str) -> tuple[str, str]:
    what = request.rpartition(" HTTP/")[0] or request
    return levels.of_status(int(status)), f"{what.partition('?')[0]} got HTTP {status}"


def _wrapped(moment: float, line: str) -> Entry | None:
    """The entry in a line of a container runtime, which gives each line of a stack trace a time."""
    if not line.strip() or line[0].isspace():
        return None
    return Entry(moment, *(text[:MAX_MESSAGE] for text in _inner(line.rstrip("\r\n"))))


def _inner(line: str) -> tuple[str, str]:
    """Level and message of a line whose time is known."""
    line = _COLOURS.sub("", line) if "\x1b" in line else line
    document = object_of(line)
    if document is not None:
        level, message = _of_document(document)
        return level, message or line
    stamp = times.leading(line)
    if stamp is not None:
        return _of_rest(line[stamp.end :], stamp)
    if access := _ACCESS.match(line):
        return _of_request(access[2], access[3])
    level, message = levels.of_text(line)
    after = times.leading(message)  # AWS Lambda's Python runtime writes the level first
    return level, message if after is None else message[after.end :].strip()


def _of_document(document: Mapping[str, Any]) -> tuple[str, str]:
    level, message = levels.of_document(document), message_of(document)
    inside = document.get("message", document.get("msg", document.get("log")))
    if level or not message:
        return level, message
    if isinstance(inside, dict):
        return levels.of_document(inside), message
    inner, text = _inner(inside if isinstance(inside, str) else message)
    return inner, text if inner else message


def _from_json(line: str) -> Entry | None:
    document = object_of(line)
    fields = {} if document is None else {name.lower(): value for name, value in document.items()}
    moment = _json_moment(_first(fields, _TIME_KEYS))
    if document is None or moment is None:
        return None
    inner = document.get("log")
    if isinstance(inner, str) and "stream" in document:  # Docker's json-file
        return _wrapped(moment, inner)
    level, message = _of_document(document)
    return Entry(moment, level, message[:MAX_MESSAGE])


def object_of(line: str) -> dict[str, Any] | None:
    """The JSON object that a text is, None for anything else."""
    if not line.startswith("{"):
        return None
    try:
        document = parsed(line, is_strict=False)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _first(document: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((document[key] for key in keys if key in document), None)


def _json_moment(value: object) -> float | None:
    if isinstance(value, dict):  # MongoDB, and Monolog before version 2
        value = value.get("$date", value.get("date"))
    if isinstance(value, str):
        moment = times.of_text(value)
        if moment is not None:
            return moment
        value = float(value) if re.fullmatch(r"\d{9,19}(?:\.\d+)?", value, re.ASCII) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e20:
        return None
    return value / next(unit for least, unit in _UNITS if value >= least)


def group_message(text: str) -> str:
    """The message with ids, numbers, addresses and quoted values replaced, so that alike ones are counted together."""
    text = _TELLING.sub(r"\2=\4", text) if "{" in text else text
    return " ".join(_IDS.sub(lambda found: found[1] or "#", _QUOTED.sub("'...'", text)).split())[:MAX_GROUP]
