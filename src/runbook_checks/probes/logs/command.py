"""Read entries of a time window from the output of a command, such as journalctl or kubectl logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from runbook_checks.probes.core.command import run
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.logs.file import LogReading
from runbook_checks.probes.logs.lines import Entry, entries_of
from runbook_checks.probes.logs.rotation import MAX_BYTES, RESOURCE

PLACES = ("{since}", "{until}")


def read_printed(
    words: Sequence[str], *, since: float, until: float, timeout_s: float, variables: Mapping[str, str] | None = None
) -> LogReading:
    """The entries with since <= time <= until of a command's output, in any order.

    {since} and {until} in its words become seconds since the epoch, {since_utc} and {until_utc} times such as
    2026-01-31T09:00:00Z. `variables` is the command's environment. NoReading unreadable, timeout; no-timestamps where
    no line begins with a time.
    """
    filled = [_filled(word, since, until) for word in words]
    with reading(f"run {words[0]}") as facts:
        printed = run(filled, RESOURCE, timeout_s=timeout_s, max_bytes=MAX_BYTES, variables=variables)
        entries = _entries(printed.decode("utf-8", "replace").replace("\0", "").splitlines())
        if printed.strip() and not entries:
            raise NoReading(
                RESOURCE,
                f"no line of the output of {words[0]} begins with a time that can be read",
                kind="no-timestamps",
            )
        kept = sorted((e for e in entries if since <= e.time <= until), key=lambda entry: entry.time)
        times = [entry.time for entry in entries]
        complete = len(printed) < MAX_BYTES
        facts.update(entries=len(kept), complete=complete)
        return LogReading(kept, min(times, default=None), max(times, default=None), complete)


def _entries(lines: list[str]) -> list[Entry]:
    found: list[Entry] = []
    for number, line in enumerate(lines):
        found += entries_of(line, lines[number + 1] if number + 1 < len(lines) else "")
    return found


def _filled(word: str, since: float, until: float) -> str:
    for name, moment in (("since", since), ("until", until)):
        text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        word = word.replace(f"{{{name}}}", f"{moment:.0f}").replace(f"{{{name}_utc}}", text)
    return word
