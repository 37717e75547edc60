"""Slow requests in a log, however large, rotated or broken it is."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.logs.slow_requests import Requests, read_requests

NOW = 1_790_000_000.0


def line(ago_s: float, took: Any, **more: Any) -> str:
    at = datetime.fromtimestamp(NOW - ago_s, UTC).isoformat()
    reported = {"level": "info", "message": "API request", "timestamp": at, "method": "GET", "url": "/api/x?id=7"}
    return json.dumps(reported | {"responseTime": took} | more) + "\n"


def read(path: Path, window_s: float = 900) -> Requests:
    return read_requests(path, since=NOW - window_s, until=NOW, field="responseTime", what=["method", "url"])


@pytest.mark.parametrize(
    ("written", "ms"), [(7321, 7321), (7321.5, 7321.5), ("7321ms", 7321), ("7.5 s", 7500), ("12000", 12000)]
)
def test_formats_of_durations(tmp_path: Path, written: Any, ms: float) -> None:
    (tmp_path / "log").write_text(line(60, written))
    [request] = read(tmp_path / "log").found
    assert (request.took_ms, request.what) == (ms, "GET /api/x")


@pytest.mark.parametrize("written", ["soon", "", None, True, [7], "-5ms", "7m"])
def test_line_without_a_duration_is_no_request(tmp_path: Path, written: Any) -> None:
    (tmp_path / "log").write_text(line(60, written))
    assert read(tmp_path / "log").found == []


def test_broken_lines_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(line(50, 9000).encode() + b'\xff\xfe{"responseTime": \n[]\n{"responseTime": 1}\n\n')
    assert len(read(tmp_path / "log").found) == 1


def test_window_includes_rotated_files(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(line(10, 1))
    (tmp_path / "log.1").write_text(line(300, 2))
    with gzip.open(tmp_path / "log.2.gz", "wt") as file:
        file.write("".join(line(7200 + n, 4) for n in range(60, 0, -1)) + line(600, 3))
    requests = read(tmp_path / "log")
    assert [request.took_ms for request in requests.found] == [1, 2, 3]
    assert requests.complete


def test_log_larger_than_the_budget_is_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runbook_checks.probes.logs.slow_requests.MAX_BYTES", 4096)
    (tmp_path / "log").write_text("".join(line(800 - n, 5) for n in range(400)))
    requests = read(tmp_path / "log")
    assert requests.found
    assert not requests.complete


def test_missing_log_is_not_a_quiet_one(tmp_path: Path) -> None:
    with pytest.raises(NoReading) as caught:
        read(tmp_path / "log")
    assert caught.value.kind == "unreadable"
