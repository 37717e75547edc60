"""Which variables does a process environment, a dotenv file or a command's output hold?"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from runbook_checks.probes.core.command import run
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.core.regular_file import open_regular, why

RESOURCE = "variables"
MAX_BYTES = 1 << 20
TIMEOUT_S = 8.0
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)", re.DOTALL)
_QUOTED = {'"': re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL), "'": re.compile(r"'[^']*+'")}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}


def read_variables(source: str | Path | list[str], variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables by name, from "process", a dotenv file, or what a command prints in dotenv form.

    A command is a list of words that no shell sees. Values stay out of every journal and sentence: most of
    them are secrets. `variables` is the command's environment. NoReading kinds: unreadable, timeout.
    """
    if source == "process":
        with reading("variables of this process") as facts:
            facts["names"] = sorted(os.environ)
            return dict(os.environ)
    what = f"variables of {source}" if isinstance(source, str | Path) else f"variables printed by {source[:1]}"
    with reading(what) as facts:
        if isinstance(source, list):
            found = parse_dotenv(_text(_printed(source, variables), f"what {source[0]} printed"))
        else:
            found = parse_dotenv(_text(_file(Path(source)), str(source)))
        facts["names"] = sorted(found)
        return found


def _file(path: Path) -> bytes:
    try:
        with open_regular(path) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise NoReading(RESOURCE, f"{path} can't be read: {why(error)}", kind="unreadable") from None
    return _bounded(raw, str(path))


def _printed(words: list[str], variables: Mapping[str, str] | None) -> bytes:
    if not words:
        raise NoReading(RESOURCE, "the command has no words", kind="unreadable")
    printed = run(words, RESOURCE, timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES + 1, variables=variables)
    return _bounded(printed, f"what {words[0]} printed")


def _bounded(raw: bytes, name: str) -> bytes:
    if len(raw) > MAX_BYTES:
        raise NoReading(RESOURCE, f"{name} is larger than {MAX_BYTES >> 20} MiB", kind="unreadable")
    return raw


def _text(raw: bytes, name: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoReading(RESOURCE, f"{name} is not UTF-8 text", kind="unreadable") from None
    if "\0" in text:
        raise NoReading(RESOURCE, f"{name} is not text", kind="unreadable")
    return text


def parse_dotenv(text: str) -> dict[str, str]:
    """NAME=value lines: `export`, single and double quotes (over several lines too), comments, CRLF.

    A line that is none of these is passed over; a quote that never ends ends with its line.
    """
    found: dict[str, str] = {}
    lines = deque(re.split(r"\r\n|\n|\r", text))
    while lines:
        match = _LINE.fullmatch(lines.popleft())
        if match is not None:
            name, rest = match.groups()
            found[name] = _value(_whole(rest, lines))
    return found


def _whole(rest: str, following: deque[str]) -> str:
    """A value with the lines its quote goes on over; they are taken off what follows."""
    if rest[:1] not in ("'", '"') or _end_of_quote(rest) > 0:
        return rest
    for number, line in enumerate(following, 1):
        if _end_of_quote(rest[0] + line) > 0:  # no escape reaches beyond a line end
            return "\n".join([rest, *(following.popleft() for _ in range(number))])
    return rest


def _end_of_quote(rest: str) -> int:
    """Where the quote that begins a value ends, -1 if it doesn't."""
    found = _QUOTED[rest[0]].match(rest)
    return found.end() - 1 if found else -1


def _value(rest: str) -> str:
    if rest[:1] in ("'", '"') and (end := _end_of_quote(rest)) > 0:
        inner = rest[1:end]
        if rest[0] == "'":
            return inner
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), inner, flags=re.DOTALL)
    return re.split(r"(?:^|\s)#", rest, maxsplit=1)[0].strip()
