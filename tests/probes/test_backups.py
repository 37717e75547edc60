"""The newest backup in a folder and among Neon's branches, with pages and refusals."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runbook_checks.probes.backups.inventory import Branches, Folder, made_at
from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from tests.misbehaving.server import FakeServer, Visit

DAY_S = 86400
NOON = 1_796_212_800.0  # 2026-12-02 12:00 UTC


def test_copy_is_no_younger_than_the_day_in_its_name() -> None:
    assert made_at("backup_20261120.sql.gz", NOON) == pytest.approx(1_795_132_800 + 1.5 * DAY_S)
    assert made_at("backup_2026-11-20T0300.sql", NOON) < NOON
    assert made_at("backup_20261202_030000.sql.gz", NOON) == NOON
    assert made_at("backup_latest.sql.gz", NOON) == NOON
    assert made_at("backup_20261399.sql.gz", NOON) == NOON
    assert made_at("build-9920261120177.sql", NOON) == NOON


def test_folder_is_listed_newest_first(tmp_path: Path) -> None:
    for name, age in (("backup_20261124.sql.gz", 5), ("backup_20261125.sql.gz", 3), ("notes.txt", 0)):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert [one.name for one in Folder(tmp_path, "backup_*").newest_first()] == [
        "backup_20261125.sql.gz",
        "backup_20261124.sql.gz",
    ]


def test_copies_are_ordered_by_the_days_in_their_names(tmp_path: Path) -> None:
    """Copied together, the oldest last, while the previous day is not over yet in every time zone."""
    names = [f"dump-2026-12-{day:02}.sql" for day in (2, 1)]
    for seconds, name in enumerate(names):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (NOON - 5 * 3600 + seconds,) * 2)
    assert [backup.name for backup in Folder(tmp_path, "*.sql").newest_first()] == names


def test_pipe_in_place_of_a_dump_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "backup_1.sql.gz")
    with pytest.raises(NoReading), Folder(tmp_path, "*").opened("backup_1.sql.gz"):
        pass


def branch(name: str, at: str, state: str = "ready") -> dict[str, Any]:
    return {"id": f"br-{name}", "name": name, "created_at": at, "current_state": state}


@contextmanager
def neon(*answers: tuple[int, Any] | tuple[int, Any, str]) -> Iterator[tuple[Branches, list[str]]]:
    """One response after another, the last one repeated; and the requested addresses."""
    asked: list[str] = []

    def handle(visit: Visit) -> None:
        asked.append(visit.request().split(b" ")[1].decode())
        status, document, *headers = answers[min(len(asked), len(answers)) - 1]
        body = document if isinstance(document, str) else json.dumps(document)
        more = "".join(f"{header}\r\n" for header in headers)
        visit.say(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n{body}")

    with FakeServer(handle) as server:
        http = Http(f"http://127.0.0.1:{server.port}/api/v2", resource="backups")
        try:
            yield Branches(http, "proj/1", "backup-*"), asked
        finally:
            http.close()


def test_newest_branch_may_be_on_the_last_page() -> None:
    first = {"branches": [branch("main", "2026-01-01T00:00:00Z")], "pagination": {"next": "c1"}}
    second = {"branches": [branch("backup-20261101", "2026-11-01T02:00:00Z")], "pagination": {"next": "c2"}}
    last = {
        "branches": [
            branch("backup-20261124", "2026-11-24T02:00:00Z"),
            branch("backup-20261125", "2026-11-25T02:00:00Z", "init"),
        ],
        "pagination": {},
    }
    with neon((200, first), (200, second), (200, last)) as (branches, asked):
        assert [one.name for one in branches.newest_first()] == ["backup-20261124", "backup-20261101"]
    assert asked == [
        "/api/v2/projects/proj%2F1/branches?limit=100",
        "/api/v2/projects/proj%2F1/branches?limit=100&cursor=c1",
        "/api/v2/projects/proj%2F1/branches?limit=100&cursor=c2",
    ]


def test_page_that_links_to_itself_is_the_last() -> None:
    page = {"branches": [branch("backup-20261124", "2026-11-24T02:00:00Z")], "pagination": {"next": "c1"}}
    with neon((200, page)) as (branches, asked):
        assert branches.newest_first()
    assert len(asked) == 2


def test_project_without_branches_of_that_name_has_none() -> None:
    with neon((200, {"branches": []})) as (branches, _):
        assert branches.newest_first() == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((401, {"message": "supplied credentials do not pass authentication"}), "access-denied", "do not pass"),
        ((403, {"message": "forbidden"}), "access-denied", "forbidden"),
        ((404, {"message": "project not found"}), "project-missing", "project not found"),
        ((500, "<html>"), "wrong-status", "no reason given"),
        ((200, {"projects": []}), "malformed-answer", "no list of branches"),
        ((200, {"branches": [{"id": "br-1"}]}), "malformed-answer", "without name or time"),
        ((200, []), "malformed-answer", "not a JSON object"),
    ],
)
def test_refusals_have_specific_reasons(answer: tuple[int, Any], kind: str, words: str) -> None:
    with neon(answer) as (branches, _), pytest.raises(NoReading) as reported:
        branches.newest_first()
    assert reported.value.kind == kind
    assert words in reported.value.reason


def test_rate_limit_with_a_retry_time_is_waited_for() -> None:
    page = {"branches": [branch("backup-20261124", "2026-11-24T02:00:00Z")]}
    with neon((429, {}, "Retry-After: 0.2"), (200, page)) as (branches, asked):
        assert [one.name for one in branches.newest_first()] == ["backup-20261124"]
    assert len(asked) == 2


def test_rate_limit_beyond_the_deadline_is_reported() -> None:
    token = current.set(Deadline(2))
    try:
        with neon((429, {}, "Retry-After: 60")) as (branches, _), pytest.raises(NoReading) as reported:
            branches.newest_first()
    finally:
        current.reset(token)
    assert reported.value.kind == "rate-limited"
    assert "60 s" in reported.value.reason
