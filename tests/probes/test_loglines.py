"""Time, level and message of a log line, where one character decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from runbook_checks.probes.logs.lines import entries_of, entry_at, entry_of, group_message

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC).timestamp()


def of(**document: object) -> tuple[float, str, str] | None:
    entry = entry_of(json.dumps(document))
    return None if entry is None else (entry.time, entry.level, entry.message)


def at(text: str) -> float | None:
    entry = entry_of(f"{text} INFO x")
    return None if entry is None else entry.time


def test_levels_by_number_and_by_name() -> None:
    numbered = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL", 35: "", 0: ""}
    named = {"err": "ERROR", "Warning": "WARN", "CRIT": "FATAL", "critical": "FATAL", "dpanic": "PANIC", "info": "INFO"}
    levels: list[tuple[object, str]] = [*numbered.items(), *named.items()]
    for level, reported in levels:
        assert of(time=NOON, level=level, msg="x") == (NOON, reported, "x")
    assert of(time=NOON, severity="error") == (NOON, "ERROR", "")
    assert of(time=NOON, msg="x") == (NOON, "", "x")


@pytest.mark.parametrize(
    ("reported", "moment"),
    [
        *((NOON, NOON), (NOON * 1e3, NOON), (NOON * 1e6, NOON), (NOON * 1e9, NOON)),
        *((1.5e11, 1.5e8), (1.5e14, 1.5e8), (1.5e17, 1.5e8), (9.9e10, 9.9e10), (9.9e13, 9.9e10), (9.9e16, 9.9e10)),
        *((0, 0), (-1, None), (9.9e19, 9.9e10), (1.5e20, None), (True, None), (None, None), ([NOON], None)),
        *(("1777896000", NOON), ("1777896000.5", NOON + 0.5), ("1777896000000", NOON), ("12345678", None), ("x", None)),
        *(("2026-05-04T12:00:00Z", NOON), ("2026-05-04T12:00:00.25+00:00", NOON + 0.25)),
    ],
)
def test_times_by_their_size(reported: object, moment: float | None) -> None:
    found = of(ts=reported, msg="x")
    assert (found and found[0]) == (moment if moment is None else pytest.approx(moment))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-04T20:00:00+08:00", NOON),
        ("2026-05-04T08:30:00-03:30", NOON),
        ("2026-05-04T17:30:00+0530", NOON),
        ("2026-05-04T12:00:00.000000001Z", NOON),
        ("2026-05-04T11:59:60Z", NOON - 1),
        ("2026-05-04T24:00:00Z", None),
        ("2026-02-30T12:00:00Z", None),
    ],
)
def test_times_by_their_zone(text: str, moment: float | None) -> None:
    assert at(text) == moment


def test_time_outside_the_line_has_priority() -> None:
    assert entry_at(5.0, '{"level": "warn", "time": 7, "msg": "x"}', "error").level == "WARN"
    assert entry_at(5.0, '{"msg": "x"}', "error") == entry_at(5.0, "ERROR x")
    assert entry_at(5.0, "2026-05-04T12:00:00Z ERROR x", "info") == entry_at(5.0, "x", "ERROR")
    assert entry_at(5.0, "[1, 2]").message == "[1, 2]"
    assert entry_at(5.0, '{"a": 1}').message == '{"a": 1}'
    assert len(entry_at(5.0, "x" * 5000).message) == 2000


def test_a_level_and_a_message_are_found_in_fields() -> None:
    said = {
        "level=warn msg=short id=7": ("WARN", "short"),
        'lvl="error" message="with \\"quotes\\""': ("ERROR", 'with "quotes"'),
        "severity=info and no more": ("INFO", "severity=info and no more"),
        "level=info msg=": ("INFO", "level=info msg="),
        "<ERROR>: down": ("ERROR", "down"),
        "worker 7 WARN slow": ("WARN", "worker 7 WARN slow"),
        "nothing of that": ("", "nothing of that"),
    }
    for rest, reported in said.items():
        entry = entry_of(f"2026-05-04T12:00:00Z {rest}")
        assert entry is not None
        assert (entry.level, entry.message) == reported


def test_entry_without_a_message_takes_the_next_line() -> None:
    assert [e.message for e in entries_of("2026-05-04T12:00:00Z ERROR", "  the reason  ")] == ["the reason"]
    assert [e.message for e in entries_of("2026-05-04T12:00:00Z ERROR own", "the reason")] == ["own"]
    assert entries_of("no time at all", "x") == []


def test_a_group_s_message_is_cut() -> None:
    assert len(group_message("word and " * 100)) == 300
    assert group_message("a  b\n\tc 7") == "a b c #"


def test_odd_values_of_fields_are_no_level() -> None:
    odd: list[object] = ["9" * 5000, 10**300, -1, [], {}, {"name": None}, True, "", " ", "unknown"]
    for value in odd:
        assert of(time=NOON, level=value, method="GET", status=value, severity_number=value, msg="x") == (NOON, "", "x")
    assert entry_of("Feb 29 12:00:00 host shop[7]: ERROR x") is not None
    assert entry_of("Feb 30 12:00:00 host shop[7]: ERROR x") is None
    assert entry_of("[04-May-2026 12:00:00 Atlantis/Town] PHP Fatal error: x") is None
