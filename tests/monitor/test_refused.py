"""A message that a channel permanently refuses delays nothing, and is sent on another channel."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from runbook_checks.monitor.outbox import waiting
from tests.harness import SYSTEM
from tests.monitor.stage import Stage, Trouble

if TYPE_CHECKING:
    from pathlib import Path

DOWN = [Trouble("health.unreachable", 0, 400)]
LATER = [Trouble("database.unreachable", 20, 400)]
TITLE = f"[stage] P0 health.unreachable[{SYSTEM}] (some-cause)"
LATER_TITLE = f"[stage] P0 database.unreachable[{SYSTEM}] (some-cause)"
NOTICE = "[stage] monitor: pager refuses messages"


def tries(stage: Stage, channel: str, title: str) -> int:
    return stage.receivers.tried.count((channel, title))


@pytest.mark.parametrize("status", [400, 403, 410, 422])
def test_permanently_refused_message_is_set_aside_and_reported_once(stage: Stage, status: int) -> None:
    stage.receivers.refusals = {"pager:health.unreachable": status}
    codes = [stage.go(minute, DOWN) for minute in range(10)]
    assert codes == [0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert tries(stage, "pager", TITLE) == 3
    assert stage.receivers.titles("mail") == [NOTICE]
    [notice] = [got.body for got in stage.receivers.got if got.title == NOTICE and got.channel == "mail"]
    assert f"message 1 ({TITLE})" in notice
    assert "also on chat" in notice
    assert waiting(stage.store()) == 0
    for minute in range(20, 23):
        stage.go(minute, [*DOWN, *LATER])
    assert LATER_TITLE in stage.receivers.titles("pager")


def test_status_page_shows_messages_set_aside(stage: Stage) -> None:
    stage.environment["monitoring"]["page"] = "page.html"
    stage.write()
    stage.receivers.refusals = {"pager": 400}
    for minute in range(4):
        stage.go(minute, DOWN)
    page = (stage.folder / "page.html").read_text()
    assert "Undelivered messages" in page
    assert "pager refused it" in page


def test_revoked_channel_is_reported_once_and_severe_alerts_go_elsewhere(stage: Stage) -> None:
    """The pager is the only channel for P0, and refuses everything."""
    stage.environment["monitoring"]["severities"]["P0"]["channels"] = ["pager"]
    stage.write()
    stage.receivers.refusals = {"pager": 404}
    for minute in range(10):
        stage.go(minute, DOWN)
    assert stage.receivers.titles("mail") == [NOTICE, TITLE] or stage.receivers.titles("mail") == [TITLE, NOTICE]
    for minute in range(20, 24):
        stage.go(minute, [*DOWN, *LATER])
    assert LATER_TITLE in stage.receivers.titles("mail")
    assert tries(stage, "pager", LATER_TITLE) == 1, "known to refuse: the other channel is used first"
    assert stage.receivers.titles("mail").count(NOTICE) == 1
    stage.receivers.refusals = {}
    for minute in range(400, 404):
        stage.go(minute, [])
    assert f"[stage] resolved: health.unreachable[{SYSTEM}]" in stage.receivers.titles("mail")


def test_refusal_by_the_only_channel_is_in_the_output_and_never_loops(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    one_channel(stage)
    stage.receivers.refusals = {"mail": 401}
    codes = [stage.go(minute, DOWN) for minute in range(30)]
    assert set(codes) == {1}, "as long as the alert is undelivered"
    assert "mail refuses messages" in capsys.readouterr().err.splitlines()[-1]
    assert stage.receivers.tried == [("mail", TITLE)] * 6, "in minutes 0, 1, 2, 4, 8 and 16"
    for minute in range(30, 40):
        stage.go(minute, [])
    assert stage.receivers.tried.count(("mail", TITLE)) == 8, "when it is due, again when it is over, and then given up"
    stage.receivers.refusals = {}
    assert [stage.go(minute, []) for minute in range(400, 404)][-1] == 0


def one_channel(stage: Stage) -> None:
    monitoring = stage.environment["monitoring"]
    monitoring["channels"] = {"mail": monitoring["channels"]["mail"]}
    monitoring["roles"] = {}
    monitoring["severities"] = {"P0": {"channels": ["mail"], "after": 1, "of": 1, "remind_min": 0}}
    monitoring["watcher"] = "P0"
    stage.environment["systems"][SYSTEM].pop("escalation")
    stage.write()


@pytest.mark.parametrize(
    ("working", "other", "status"), [("pager", "chat", 401), ("chat", "pager", 401), ("pager", "chat", 503)]
)
def test_undelivered_alert_is_sent_when_a_channel_works_again(
    stage: Stage, working: str, other: str, status: int
) -> None:
    """A token is renewed, or a firewall opened, after the alert was set aside on every channel that works."""
    monitoring = stage.environment["monitoring"]
    monitoring["channels"] = {name: monitoring["channels"][name] for name in ("pager", "chat")}
    monitoring["roles"] = {"on call": ["pager"]}
    monitoring["watcher"] = "P0"
    monitoring["severities"] = {"P0": {"channels": ["pager", "chat"], "after": 1, "of": 1, "remind_min": 0}}
    stage.environment["systems"][SYSTEM].pop("escalation")
    stage.write()
    stage.receivers.refusals = {working: 401, other: status}
    two = [*DOWN, Trouble("database.unreachable", 1, 400)]
    assert {stage.go(minute, two) for minute in range(60)} == {1}
    assert stage.receivers.got == []
    del stage.receivers.refusals[working]
    for minute in range(60, 80):
        stage.go(minute, two)
    reported = [(minute, title) for minute, channel, title in stage.messages() if channel == working and "P0" in title]
    assert {title for _, title in reported} == {TITLE, LATER_TITLE}
    assert len(reported) == 2
    assert all(minute <= 75 for minute, _ in reported)
    left = {row["channel"] for row in stage.store().rows("SELECT channel FROM waiting")}
    assert left == ({other} if status == 503 else set()), (
        "the permanent refusal is given up, because the alert was delivered"
    )


def test_message_that_every_working_channel_refuses_causes_no_flood(stage: Stage) -> None:
    """Each channel permanently refuses this message, and accepts all others, also those about other channels."""
    stage.environment["systems"][SYSTEM].pop("escalation")
    stage.environment["monitoring"]["severities"]["P0"]["remind_min"] = 0
    stage.write()
    stage.receivers.refusals = {f"{name}:P0 health.unreachable": 400 for name in ("pager", "chat", "mail", "lead")}
    others = [Trouble("database.unreachable", begins, begins + 5) for begins in range(20, 100, 20)]
    for minute in range(100):
        stage.go(minute, [*DOWN, *others])
    assert stage.receivers.titles("pager").count(LATER_TITLE) == 4, "it delays nothing"
    assert len(stage.store().rows("SELECT * FROM message WHERE kind = 'refusal'")) <= 4, "each channel is reported once"


def test_refused_notice_is_not_reported(stage: Stage) -> None:
    """Each of two channels refuses the notice about the other."""
    stage.receivers.refusals = {"pager": 400, "chat:not take": 400, "mail:not take": 400, "lead": 400}
    for minute in range(60):
        stage.go(minute, DOWN)
    numbers = {row["title"] for row in stage.store().rows("SELECT title FROM message WHERE kind = 'refusal'")}
    assert numbers <= {NOTICE, NOTICE.replace("pager", "lead")}
    assert len(stage.store().rows("SELECT * FROM message WHERE kind = 'refusal'")) == 2


def test_old_message_that_is_never_accepted_delays_no_newer_one(stage: Stage) -> None:
    """HTTP 500 is not permanent: the message is retried, and others are delivered meanwhile."""
    stage.receivers.refusals = {"pager:health.unreachable": 500}
    for minute in range(15):
        stage.go(minute, DOWN)
    for minute in range(20, 23):
        stage.go(minute, [*DOWN, *LATER])
    assert LATER_TITLE in stage.receivers.titles("pager")
    assert TITLE not in stage.receivers.titles("pager")
    stage.receivers.refusals = {}
    for minute in range(400, 420):
        stage.go(minute, [])
    about = [title for title in stage.receivers.titles("pager") if "health.unreachable" in title]
    assert about[0] == TITLE
    assert about[-1] == f"[stage] resolved: health.unreachable[{SYSTEM}]"


def test_retry_after_is_respected_and_limited(stage: Stage) -> None:
    stage.receivers.refusals = {"pager:health.unreachable": 429}
    stage.receivers.retry_after = "600"
    for minute in range(13):
        stage.go(minute, DOWN)
    assert tries(stage, "pager", TITLE) == 2, "in minute 1 and ten minutes later"
    stage.receivers.retry_after = "31536000"
    for minute in range(13, 90):
        stage.go(minute, [*DOWN, *LATER] if minute >= 20 else DOWN)
    assert tries(stage, "pager", TITLE) == 4, "in minute 21, and after an hour at most"
    assert stage.receivers.titles("pager")[0] == LATER_TITLE


def test_redirect_that_drops_the_message_is_not_a_delivery(stage: Stage) -> None:
    """A login page responds with 200 to a GET without the message."""
    stage.receivers.refusals = {"pager": 302}
    for minute in (0, 1):
        code = stage.go(minute, DOWN)
    assert code == 1
    assert waiting(stage.store()) == 1


def test_refusal_of_unknown_kind_is_set_aside_after_a_day(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the mail server's port; for SMTP Apprise reports only that it failed."""
    monkeypatch.setenv("STAGE_PAGER", "mailto://127.0.0.1:9?from=checks@example.com&to=call@example.com&mode=insecure")
    stage.environment["monitoring"]["every_min"] = 60
    stage.write()
    for minute in (0, *range(60, 60 + 24 * 60, 30)):
        stage.go(minute, DOWN)
    assert NOTICE not in stage.receivers.titles("mail")
    stage.go(60 + 24 * 60, DOWN)
    assert NOTICE in stage.receivers.titles("mail")


def test_removed_channel_leaves_nothing_behind(stage: Stage) -> None:
    stage.receivers.down = {"lead", "pager", "chat"}
    for minute in range(18):
        stage.go(minute, DOWN)
    monitoring = stage.environment["monitoring"]
    monitoring["severities"]["P0"]["channels"] = ["chat"]
    monitoring["channels"].pop("pager")
    monitoring["roles"] = {"on call": ["chat"]}
    stage.write()
    stage.receivers.down = {"lead"}
    for minute in range(18, 40):
        stage.go(minute, DOWN)
    assert stage.receivers.titles("chat").count(TITLE) == 1
    assert [row["channel"] for row in stage.store().rows("SELECT DISTINCT channel FROM waiting")] == ["lead"]
    assert stage.receivers.titles("mail").count(NOTICE) == 1


def test_malformed_address_is_never_quoted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGE_PAGER", "slak://hunter2-of-the-pager@@/\x01not an address")
    for minute in range(5):
        stage.go(minute, DOWN)
    said = capfd.readouterr()
    assert "pager refused message 1" in said.err
    assert "hunter2" not in said.err + said.out
    assert "hunter2" not in "".join(got.body for got in stage.receivers.got)


def test_message_numbers_are_never_reused(stage: Stage) -> None:
    """The number distinguishes a second delivery of a message from a second message."""
    stage.environment["monitoring"] |= {"keep_days": 2, "every_min": 60}
    stage.write()
    for minute in range(0, 60 * 24 * 5, 60):
        stage.go(
            minute, [Trouble("health.slow", 0, 300), Trouble("health.unreachable", 60 * 24 * 4, 60 * 24 * 4 + 300)]
        )
    numbers = [int(got.body.split("message ")[-1]) for got in stage.receivers.got if got.channel in ("mail", "chat")]
    assert len(set(numbers)) == len(numbers)
    incidents = {row["id"] for row in stage.store().rows("SELECT id FROM incident")}
    assert incidents == {2}


def test_very_long_body_arrives_with_its_end(stage: Stage) -> None:
    many = [Trouble("domain.certificate-expired", 0, 9, subject=f"{n}.{'x' * 200}.example.com") for n in range(400)]
    for minute in (0, 1):
        stage.go(minute, many)
    [got] = [got for got in stage.receivers.got if got.channel == "pager"]
    assert len(got.body) <= 8001
    assert got.body.rstrip().splitlines()[-1] == "message 1"


def test_history_of_the_previous_version_keeps_its_messages(stage: Stage, tmp_path: Path) -> None:
    """Its tables are created again with their content."""
    import runbook_checks.monitor.store

    path = tmp_path / "old.sqlite3"
    database = sqlite3.connect(path)
    for step in runbook_checks.monitor.store.STEPS[:3]:
        database.executescript(step)
    database.executescript(
        "PRAGMA user_version = 3; INSERT INTO message (id, kind, severity, at, title, body) VALUES"
        " (7, 'alert', 'P0', 1.0, 't', 'b'); INSERT INTO delivery (message, channel, next_at) VALUES (7, 'pager', 1.0);"
        " INSERT INTO incident (id, system, symptom, subject, severity, began, opened, told, cleared) VALUES"
        " (5, 's', 'x.y', '', 'P0', 1.0, 2.0, '{}', 3.0); INSERT INTO about VALUES (7, 5)"
    )
    database.close()
    store = runbook_checks.monitor.store.Store(path)
    assert waiting(store) == 1
    [incident] = store.rows("SELECT * FROM incident")
    assert (incident["id"], incident["began"], incident["cleared"]) == (5, 1.0, 3.0)
    store.close()
