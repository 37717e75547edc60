"""Messages arrive in time, with correct times, when the clock was ahead, goes back or jumps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runbook_checks.monitor.outbox import waiting
from tests.harness import SYSTEM
from tests.monitor.stage import MIDNIGHT, Stage, Trouble

if TYPE_CHECKING:
    from tests.monitor.receivers import Got

DAY = 24 * 60
TITLE = f"[stage] P0 health.unreachable[{SYSTEM}] (some-cause)"
RESOLVED = f"[stage] resolved: health.unreachable[{SYSTEM}]"
ALWAYS = [Trouble("health.unreachable", 0, 900 * DAY)]


def about_the_clock(stage: Stage) -> list[Got]:
    return [got for got in stage.receivers.got if "the clock went back" in got.title]


@pytest.mark.parametrize("ahead", [120, DAY, 800 * DAY], ids=["two hours", "a day", "two years"])
def test_clock_ahead_for_one_run_is_reported_once_and_delays_nothing(stage: Stage, ahead: int) -> None:
    stage.environment["monitoring"]["page"] = "page.html"
    stage.write()
    stage.go(0, ALWAYS)
    stage.receivers.down = {"pager"}
    stage.go(ahead, ALWAYS)
    stage.go(ahead + 1, ALWAYS)  # the alert, which the pager does not accept
    stage.receivers.down = set()
    for minute in range(2, 6):
        stage.go(minute, ALWAYS)
    assert stage.receivers.titles("pager")[0] == TITLE
    assert min(got.at for got in stage.receivers.got if got.channel == "pager") == MIDNIGHT.timestamp() + 120
    assert len(about_the_clock(stage)) == 1
    for minute in range(6, 10):
        stage.go(minute, [])
    assert stage.receivers.titles("pager")[-1] == RESOLVED
    page = (stage.folder / "page.html").read_text()
    for text in (*(got.body for got in stage.receivers.got), page):
        assert not re.search(r"-\d+ (min|h|d)\b", text), text
    assert f'data-made="{MIDNIGHT.timestamp() + 9 * 60:.0f}"' in page, "the last run is not in the future"
    assert waiting(stage.store()) == 0


def test_delayed_message_has_no_time_in_the_future(stage: Stage) -> None:
    stage.receivers.down = {"pager"}
    for minute in (120, 121):
        stage.go(minute, ALWAYS)
    stage.receivers.down = set()
    stage.go(2, ALWAYS)
    [body] = [got.body for got in stage.receivers.got if got.channel == "pager" and got.title == TITLE]
    assert "since: 2026-03-02 00:02 UTC" in body


def test_escalation_and_reminder_continue_after_a_clock_was_ahead(stage: Stage) -> None:
    stage.go(DAY, ALWAYS)
    stage.go(DAY + 1, ALWAYS)
    for minute in range(2, 40):
        stage.go(minute, ALWAYS)
    reported = [(minute, title) for minute, channel, title in stage.messages() if channel == "lead"]
    assert [minute for minute, title in reported if "escalated" in title] == [17, 32]


def test_history_is_kept_when_the_clock_was_two_years_ahead(stage: Stage) -> None:
    stage.environment["monitoring"]["every_min"] = 60
    stage.write()
    for minute in range(0, 600, 60):
        stage.go(minute, [Trouble("health.unreachable", 0, 180)])
    stage.go(800 * DAY, [])
    for minute in (600, 660):
        stage.go(minute, [])
    assert [row["how"] for row in stage.store().rows("SELECT * FROM incident")] == ["resolved"]
    [day] = stage.store().rows("SELECT * FROM day WHERE symptom = 'health.unreachable' AND date = '2026-03-02'")
    assert day["found"] == 3


def test_history_is_kept_when_the_clock_was_fifty_years_behind(stage: Stage) -> None:
    """As after a start with an empty battery, before the time is set."""
    for minute in range(6):
        stage.go(minute, [Trouble("health.unreachable", 0, 3)])
    stage.go(-50 * 365 * DAY, [])
    for minute in (6, 7, 8):
        assert stage.go(minute, []) == 0
    [incident] = stage.store().rows("SELECT * FROM incident")
    assert incident["ended"] - incident["began"] == 240
    assert stage.store().rows("SELECT * FROM day WHERE symptom = 'health.unreachable' AND found = 3")


def test_clock_correction_by_seconds_is_not_reported(stage: Stage) -> None:
    for minute in (0.5, 0, 1):
        stage.go(minute, ALWAYS)
    assert about_the_clock(stage) == []
    assert TITLE in stage.receivers.titles("pager")


def test_machine_that_slept_for_days_reports_the_gap_and_continues(stage: Stage) -> None:
    for minute in (0, 1, 2):
        stage.go(minute, ALWAYS)
    for minute in range(3 * DAY, 3 * DAY + 3):
        stage.go(minute, [])
    assert sum("no checks from" in title for title in stage.receivers.titles("mail")) == 1
    assert stage.receivers.titles("pager")[-1] == RESOLVED


def test_message_on_a_full_disk_is_not_suppressed_by_a_future_time(stage: Stage) -> None:
    """The record of sent messages has tomorrow's time; the history's path is a folder."""
    (stage.state / "stage" / "history.sqlite3").mkdir(parents=True)
    (stage.state / "stage" / "told-without-memory").touch()
    for minute in (DAY, DAY + 1, 1, 2):
        stage.go(minute, ALWAYS)
    assert stage.receivers.titles("pager") == [TITLE] * 2, "once by each clock"


def test_acknowledgement_ends_in_time_after_clock_changes(stage: Stage) -> None:
    stage.know(acknowledged=[{"symptom": "health.*", "reason": "moves", "until": "2026-03-02T00:10Z"}])
    stage.go(30, ALWAYS)
    for minute in range(1, 13):
        stage.go(minute, ALWAYS)
    assert [(minute, title) for minute, channel, title in stage.messages() if channel == "pager"] == [(10, TITLE)]
