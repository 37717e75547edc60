"""Checks of the log: new or increased errors, slow requests."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.log import Log
from runbook_checks.probes.logs.file import LogReading
from runbook_checks.probes.logs.levels import CONTINUATION, KNOWN, named

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

MOST = 50  # messages with a finding each


@symptom("logs.errors")
def check_log_errors(log: Log) -> None:
    """An error in the log is often a customer's failed request."""
    reading = log.read()
    before_begins, _, ends = log.windows()
    is_in_use = reading.is_alive or log.settings.quiet_is_fine or _has_entries(reading, before_begins, ends)
    if not is_in_use:
        raise NoReading("logs", f"{log.place} has had no entry for {2 * log.settings.window_min:g} min: is it in use?")
    too_many = _above_limit(log, reading, _levels(log))
    Found.all(_found(log, *entry) for entry in [*too_many[:MOST], *_together(too_many[MOST:])])
    _require_levels(log, reading)
    if not reading.complete:
        raise NoReading("logs", f"{log.place} could not be read back to the beginning of the window", kind="incomplete")


def _found(log: Log, message: str, count: int, usual: int) -> Found:
    return Found(
        "error-surge" if usual else "new-error",
        seen=f"{count} times in {log.settings.window_min:g} min, {usual} times in as many before: {message}",
        wanted=f"{log.settings.limit} at most, or fewer than {log.settings.surge_factor:g} times the usual",
        subject=message[:120],
        file=log.place,
        message=message,
        count=count,
        before=usual,
        window_min=log.settings.window_min,
    )


def _together(rest: list[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    """The rarer messages as one: hundreds of findings are not readable."""
    if rest:
        yield f"{len(rest)} other messages", sum(count for _, count, _ in rest), sum(usual for *_, usual in rest)


def _has_entries(reading: LogReading, since: float, until: float) -> bool:
    return any(since <= entry.time <= until for entry in reading.entries)


def _levels(log: Log) -> set[str]:
    return {named(level) for level in log.settings.levels}


def _above_limit(log: Log, reading: LogReading, levels: Container[str]) -> list[tuple[str, int, int]]:
    """Messages of these levels above the limit and above their usual count: message, count, usual count."""
    before_begins, begins, ends = log.windows()
    now, before = _counts(log, reading, begins, ends, levels), _counts(log, reading, before_begins, begins, levels)
    factor = log.settings.surge_factor
    return [
        (message, count, before[message])
        for message, count in now.most_common()
        if count > log.settings.limit and not (before[message] and count < before[message] * factor)
    ]


def _counts(log: Log, reading: LogReading, since: float, until: float, levels: Container[str]) -> Counter[str]:
    ignored = [re.compile(pattern) for pattern in log.settings.ignore]
    return Counter(
        log.grouped(entry.message)
        for entry in reading.entries
        if since <= entry.time < until
        and entry.level in levels
        and not any(pattern.search(entry.message) for pattern in ignored)
    )


def _require_levels(log: Log, reading: LogReading) -> None:
    """NoReading where entries without a level could be errors: one message above the limit, or most of all entries."""
    _, begins, ends = log.windows()
    total = sum(begins <= entry.time < ends and entry.level != CONTINUATION for entry in reading.entries)
    unknown = {entry.level for entry in reading.entries} - KNOWN - _levels(log)
    without = _counts(log, reading, begins, ends, unknown)
    count = without.total()
    if count <= log.settings.limit or not (2 * count > total or _above_limit(log, reading, unknown)):
        return
    [(example, _)] = without.most_common(1)
    raise NoReading(
        "logs",
        f"{count} of {total} entries of {log.place} have no level that is understood, such as: {example[:120]}; "
        "log the level, or add what is harmless to logs.ignore",
        kind="level-not-understood",
        evidence={"without_level": count, "entries": total},
    )


@symptom("logs.slow-requests")
def check_no_request_took_seconds(log: Log) -> None:
    """Users often leave before a slow response arrives."""
    rule = log.settings.slow
    if rule is None:
        raise NoReading("logs", "logs.slow is not configured in the runbook", kind="no-source")
    requests = log.requests(rule)
    if not requests.found:
        reason = f"no entry of the last {log.settings.window_min:g} min in {log.file} has the field {rule.took}"
        raise NoReading("logs", reason, kind="field-missing")
    slow: dict[str, list[float]] = {}
    for request in requests.found:
        if request.took_ms >= rule.limit_ms:
            slow.setdefault(log.grouped(request.what), []).append(request.took_ms)
    worst = sorted(slow.items(), key=lambda entry: -max(entry[1]))
    Found.all(
        Found(
            "slow-endpoint",
            seen=f"{len(times)} requests took {rule.limit_ms:g} ms or more, up to {max(times):.0f} ms: {what}",
            wanted=f"none in {log.settings.window_min:g} min",
            subject=what,
            endpoint=what,
            count=len(times),
            worst_ms=round(max(times)),
            limit_ms=rule.limit_ms,
            requests=len(requests.found),
            window_min=log.settings.window_min,
            file=str(log.file),
        )
        for what, times in worst[:MOST]
    )
    if not requests.complete:
        raise NoReading("logs", f"{log.file} could not be read back to the beginning of the window", kind="incomplete")
