"""Entries of a log file, in all formats, rotated, truncated or damaged."""

from __future__ import annotations

import gzip
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.logs.file import LogReading, group_message, read_entries
from runbook_checks.probes.logs.lines import entry_of
from tests.probes.conftest import taking

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC).timestamp()


def stamp(offset_s: float) -> str:
    return datetime.fromtimestamp(NOON + offset_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(offset_s: float, text: str = "ERROR something broke") -> str:
    return f"{stamp(offset_s)} {text}\n"


def look(path: Path, since: float = -60, until: float = 60, **settings: int) -> LogReading:
    return read_entries(path, since=NOON + since, until=NOON + until, **settings)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "service.log"


LOCAL = time.mktime((2026, 5, 4, 13, 44, 39, 0, 0, -1))
ZONED = datetime(2026, 5, 4, 5, 44, 39, tzinfo=UTC).timestamp()
FORMS = {
    "2026-05-04T13:44:39.123+08:00 INFO  started port=1": (ZONED + 0.123, "INFO", "started port=1"),
    "2026-05-04T05:44:39Z ERROR no luck": (ZONED, "ERROR", "no luck"),
    "2026-05-04 05:44:39.5Z [error] no luck": (ZONED + 0.5, "ERROR", "no luck"),
    "2026-05-04 13:44:39,123 WARNING slow": (LOCAL + 0.123, "WARN", "slow"),
    "2026-05-04 13:44:39.123 [main] ERROR c.e.Service - no luck": (
        LOCAL + 0.123,
        "ERROR",
        "[main] ERROR c.e.Service - no luck",
    ),
    "2026/05/04 13:44:39 ERROR no luck": (LOCAL, "ERROR", "no luck"),
    "2026/05/04 13:44:39 listening on :8080": (LOCAL, "", "listening on :8080"),
    "[2026-05-04 13:44:39] CRITICAL: down": (LOCAL, "FATAL", "down"),
    "2026-05-04T13:44:39.123+0800\tERROR\tcaller.go:7\tno luck": (ZONED + 0.123, "ERROR", "caller.go:7\tno luck"),
    'time=2026-05-04T13:44:39.123+08:00 level=ERROR msg="no \\"luck\\"" id=7': (ZONED + 0.123, "ERROR", 'no "luck"'),
    'time="2026-05-04T05:44:39Z" level=error msg=down': (ZONED, "ERROR", "down"),
    '{"time":"2026-05-04T05:44:39Z","level":"ERROR","msg":"no luck"}': (ZONED, "ERROR", "no luck"),
    '{"level":"error","ts":1777873479.5,"message":"no luck"}': (1777873479.5, "ERROR", "no luck"),
    '{"level":50,"time":1777873479500,"msg":"no luck"}': (1777873479.5, "ERROR", "no luck"),
    '{"severity":"WARNING","timestamp":"1777873479","msg":"slow"}': (1777873479, "WARN", "slow"),
    '{"@timestamp":1777873479500000000,"log.level":"fatal","message":null}': (1777873479.5, "FATAL", ""),
}


@pytest.mark.parametrize("text", FORMS)
def test_formats_of_entries(text: str) -> None:
    entry = entry_of(text)
    assert entry is not None
    moment, level, message = FORMS[text]
    assert entry.time == pytest.approx(moment, abs=1e-3)
    assert (entry.level, entry.message) == (level, message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "    at com.example.Service.run(Service.java:7)",
        "panic: runtime error",
        "2026-13-45 99:99:99 ERROR nonsense",
        "0001-01-01 00:00:00 ERROR the zero time of a host's own zone",
        '{"level":"error","msg":"no time"}',
        '{"time":true,"msg":"x"}',
        '{"time":1e400,"msg":"x"}',
        '{"time":' + "9" * 400 + "}",
        '{"time":NaN}',
        "{broken",
        '["2026-05-04T05:44:39Z"]',
        "{" + '"a":[' * 5000,
        "٢٠٢٦-٠٥-٠٤ 13:44:39 ERROR",
    ],
)
def test_lines_that_begin_no_entry(text: str) -> None:
    assert entry_of(text) is None


def test_the_window_is_cut_at_both_ends_and_in_order(log: Path) -> None:
    log.write_text("".join(line(s, f"ERROR {s}") for s in (-90, -61, -60, -5, 0, 60, 61)))
    seen = look(log)
    assert [e.message for e in seen.entries] == ["-60", "-5", "0", "60"]
    assert seen.complete
    assert (seen.first_time, seen.last_time) == (NOON - 90, NOON + 61)


def test_lines_without_a_time_belong_to_the_entry_before(log: Path) -> None:
    log.write_text(line(0, "ERROR") + "the reason\n  at a\n  at b\n" + line(1, "ERROR two") + "trailing\r\n")
    assert [e.message for e in look(log).entries] == ["the reason", "two"]


@pytest.mark.parametrize("ending", ["1", "1.gz", "2.gz"])
def test_rotated_files_are_read_if_the_window_includes_them(log: Path, ending: str) -> None:
    log.write_text(line(0, "ERROR new"))
    older = (line(-600, "ERROR too old") + line(-30, "ERROR old")).encode()
    path = log.with_name(f"service.log.{ending}")
    path.write_bytes(gzip.compress(older) if ending.endswith("gz") else older)
    seen = look(log)
    assert [e.message for e in seen.entries] == ["old", "new"]
    assert seen.complete


def test_rotated_files_before_the_window_are_not_read(log: Path) -> None:
    log.write_text("".join(line(-90 + n / 100) for n in range(60)) + line(0))
    log.with_name("service.log.1").write_text(line(-30, "ERROR out of place"))
    assert len(look(log).entries) == 1


def test_broken_rotated_file_leaves_the_window_incomplete(log: Path) -> None:
    log.write_text(line(0))
    log.with_name("service.log.1.gz").write_bytes(gzip.compress(line(-30).encode() * 1000)[:-20])
    seen = look(log)
    assert (len(seen.entries), seen.complete) == (1, False)


def test_end_of_a_compressed_file_counts_not_its_beginning(log: Path) -> None:
    log.write_text(line(0, "ERROR new"))
    packed = "".join(line(-5000 + n / 10, "INFO filler " + "x" * 100) for n in range(49_990))
    log.with_name("service.log.1.gz").write_bytes(gzip.compress(packed.encode(), 1))
    seen = look(log, since=-3, max_bytes=1 << 20)
    assert seen.complete
    assert len(seen.entries) == 21


def test_exhausted_budget_is_reported(log: Path) -> None:
    log.write_text("".join(line(-50 + n / 1000, "INFO " + "x" * 100) for n in range(20_000)))
    seen = look(log, max_bytes=100_000)
    assert not seen.complete
    assert 600 < len(seen.entries) < 800
    assert {len(e.message) for e in seen.entries} == {100}


def test_one_old_entry_is_not_the_window_s_beginning(log: Path) -> None:
    zero = json.dumps({"time": "0001-01-01T00:00:00Z", "level": "error", "msg": "no clock yet"})
    log.write_text(line(-30, "ERROR early") + zero + "\n" + line(-600, "ERROR late writer") + line(0, "ERROR last"))
    assert [e.message for e in look(log).entries] == ["early", "last"]


def test_holes_and_odd_bytes_are_tolerated(log: Path) -> None:
    with log.open("wb") as file:
        file.seek(3 << 20)
        file.write(line(0, "ERROR caf\u00e9 \u4e2d").encode() + b"\xff\xfe ERROR\n" + line(1).encode() + b"\0" * 100)
    assert [e.message for e in look(log).entries] == ["caf\u00e9 \u4e2d", "something broke"]


def test_endless_line_costs_little(log: Path) -> None:
    with log.open("wb") as file:
        file.write(line(-1, "ERROR before").encode() + line(0, "ERROR ").encode().rstrip() + b" " + b"x" * (30 << 20))
    with taking(2):
        seen = look(log)
    assert [len(e.message) for e in seen.entries] == [6, 2000]


def test_a_large_log_is_read_from_its_end(log: Path) -> None:
    with log.open("w") as file:
        for n in range(100_000):
            file.write(line(-1000 + n / 100, "INFO request served in 12 ms"))
        file.write(line(0, "ERROR the last"))
    with taking(0.2):
        assert [e.message for e in look(log, since=-0.001).entries][-1] == "the last"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0" * 1000])
def test_an_empty_log_has_no_entries(log: Path, content: bytes) -> None:
    log.write_bytes(content)
    assert look(log) == LogReading([], None, None, True)


@pytest.mark.parametrize("content", [b"hello\nworld\n", b"\xff\xfe\x00binary", "é" * 100, b"{}\n"])
def test_text_without_any_time_is_no_reading(log: Path, content: bytes | str) -> None:
    log.write_bytes(content if isinstance(content, bytes) else content.encode("utf-16"))
    with pytest.raises(NoReading, match="begins with a time") as caught:
        look(log)
    assert (caught.value.resource, caught.value.kind) == ("logs", "no-timestamps")


def test_unreadable_log_is_no_reading(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (tmp_path / "missing", tmp_path, tmp_path / "pipe", loop, Path("/dev/zero"), Path("a\0b")):
        with taking(0.5), pytest.raises(NoReading, match="can't be read") as caught:
            look(path)
        assert caught.value.resource == "logs"


def test_deadline_of_the_check_ends_the_reading(log: Path) -> None:
    log.write_text(line(0) * 1000)
    token = current.set(Deadline(0))
    try:
        with pytest.raises(NoReading, match="no time"):
            look(log)
    finally:
        current.reset(token)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("session 42 not found", "session 7 not found"),
        ("no 3f2504e0-4f89-41d3-9a0c-0305e82c3301", "no 11111111-2222-3333-4444-555555555555"),
        ("dial tcp 10.0.0.1:5432: refused", "dial tcp 10.9.8.7:5433: refused"),
        ("dial tcp [2001:db8::1]:5432: refused", "dial tcp [fe80::1]:1: refused"),
        ('key "a b" is bad', 'key "c" is bad'),
        ("took 12.5ms", "took 3s"),
        ("blob deadbeef01", "blob 0123456789abcdef"),
    ],
)
def test_similar_messages_are_grouped(one: str, other: str) -> None:
    assert group_message(one) == group_message(other)


def test_different_messages_are_not_grouped() -> None:
    assert group_message("can't connect, won't retry") != group_message("can't connect, don't retry")
    assert group_message("connection refused") != group_message("connection reset")


@pytest.mark.parametrize("text", ["a" * 2000, ":" * 2000, "a:" * 1000, "1." * 1000, "'" * 1999, "f" * 1999 + "g"])
def test_grouping_takes_no_time(text: str) -> None:
    with taking(0.2):
        group_message(text)
