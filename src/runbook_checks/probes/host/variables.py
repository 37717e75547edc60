"""Read the variables of a process environment, of a dotenv file, or of a command's output."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from runbook_checks.inputs.regular_file import open_regular, why
from runbook_checks.probes.core.command import run
from runbook_checks.probes.core.reading import NoReading, reading

RESOURCE = "variables"
MAX_BYTES = 1 << 20
TIMEOUT_S = 8.0


def read_variables(source: str | Path | list[str], variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables by name, from "process", a dotenv file, or what a command prints in dotenv form.

    A command is a list of words, run without a shell. No reading and no message contains a value, since most of
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
    """The variables of a dotenv text. Lines without a variable and malformed lines are ignored."""
    found = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value for name, value in found.items() if value is not None}
