"""The monitor and its messages survive a kill, a full disk, a corrupt history and concurrent runs."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys

import pytest

import runbook_checks.monitor.store
from tests.harness import PROJECT, SYSTEM
from tests.monitor.receivers import MailServer
from tests.monitor.stage import MIDNIGHT, SYMPTOMS, Stage, Trouble, document

DOWN = [Trouble("health.unreachable", 0, 60)]
TITLE = f"[stage] P0 health.unreachable[{SYSTEM}] (some-cause)"
RESOLVED = f"[stage] resolved: health.unreachable[{SYSTEM}]"


DIES = """
import os, signal, sys, time_machine
from runbook_checks.monitor import command
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
{change}
with time_machine.travel({at}, tick=False):
    sys.exit(command.main())
"""


def killed(stage: Stage, minute: float, change: str) -> None:
    """Make a run in its own process, which kills itself where `change` says."""
    results = stage.folder / "results.json"
    results.write_text(json.dumps(document(DOWN)))
    code = DIES.format(change=change, at=MIDNIGHT.timestamp() + 60 * minute)
    words = [sys.executable, "-c", code, str(stage.path), "--state", str(stage.state), "--document", str(results)]
    child = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert child.returncode == -signal.SIGKILL, child.stderr


def test_message_contains_the_remedy(stage: Stage) -> None:
    health = f"health.unreachable[{SYSTEM}]"
    troubles = [*DOWN, Trouble("health.slow", 0, 60, explained_by=health)]
    stage.environment["monitoring"]["link"] = "https://status.example.com/"
    stage.write()
    for minute in (0, 1):
        stage.go(minute, troubles)
    body = next(got.body for got in stage.receivers.got if got.channel == "pager")
    for line in (
        "seen: this was seen",
        "wanted: that was wanted",
        "because: of this",
        "remedy 1: do this",
        "remedy 2: then that",
        "explains: P2 health.slow",
        "since: 2026-03-02 00:00 UTC, 1 min",
        "call: on call, within 5 min",
        "https://status.example.com/",
    ):
        assert line in body.splitlines(), body


def test_kill_during_a_delivery_loses_no_message(stage: Stage) -> None:
    """It is killed after the chat has received its message, before that is recorded and before the pager's."""
    stage.go(0, DOWN)
    killed(
        stage,
        1,
        "from runbook_checks.monitor.channels import Channels\n"
        "send = Channels.send\n"
        "Channels.send = lambda self, *rest: (send(self, *rest), die())",
    )
    assert [(got.channel, got.title) for got in stage.receivers.got] == [("chat", TITLE)]
    assert stage.go(2, DOWN) == 0
    assert stage.receivers.titles("chat") == [TITLE, TITLE], "again, because the delivery was not recorded"
    assert stage.receivers.titles("pager") == [TITLE]


def test_kill_during_a_write_leaves_a_consistent_history(stage: Stage) -> None:
    stage.go(0, [])
    killed(stage, 1, "from runbook_checks.monitor import incidents\nincidents.Incidents.follow = die")
    for minute in (2, 3):
        assert stage.go(minute, DOWN) == 0
    assert stage.receivers.titles("pager") == [TITLE]
    assert stage.store().row("PRAGMA integrity_check")[0] == "ok"  # type: ignore[index]


def test_corrupt_history_is_set_aside_and_reported(stage: Stage) -> None:
    stage.go(0, [])
    history = stage.state / "stage" / "history.sqlite3"
    history.write_bytes(b"this is no database at all, " * 400)
    for tail in ("-wal", "-shm"):
        history.with_name(history.name + tail).unlink(missing_ok=True)
    for minute in (1, 2):
        stage.go(minute, DOWN)
    [own] = stage.receivers.titles("mail")
    assert "starts empty" in own
    assert stage.receivers.titles("pager") == [TITLE]
    assert list(history.parent.glob("history.unreadable-*"))


def test_history_with_corrupt_content_is_set_aside_too(stage: Stage) -> None:
    for minute in range(5):
        stage.go(minute, [])
    history = stage.state / "stage" / "history.sqlite3"
    with sqlite3.connect(history) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    content = bytearray(history.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    history.write_bytes(content)
    for minute in (5, 6, 7):
        stage.go(minute, DOWN)
    assert any("starts empty" in title for title in stage.receivers.titles("mail"))
    assert stage.receivers.titles("pager") == [TITLE]


def test_newer_history_is_left_alone(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.go(0, [])
    store = stage.store()
    store.run("PRAGMA user_version = 99")
    store.close()
    assert stage.go(1, []) == 1
    assert "update runbook-checks" in capsys.readouterr().err
    assert not list((stage.state / "stage").glob("*unreadable*"))


def test_concurrent_run_steps_aside_and_the_next_reports_it(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.go(0, [])
    with (stage.state / "stage" / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert stage.go(1, DOWN) == 75
        assert "skipped" in capsys.readouterr().out
    assert stage.go(2, DOWN) == 0
    assert "1 runs skipped" in capsys.readouterr().out


def test_heartbeat_is_sent_only_after_a_complete_run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_PING", f"http://127.0.0.1:{stage.receivers.port}/ping")
    stage.environment["monitoring"]["heartbeat"] = {"env": "STAGE_PING"}
    stage.write()
    stage.go(0, [])
    assert len(stage.receivers.pings) == 1
    stage.go(1, None)
    stage.receivers.down = {"pager"}
    stage.go(2, DOWN)
    stage.go(3, DOWN)
    assert len(stage.receivers.pings) == 2, "not after a failed run, nor while a message waits"


def test_no_heartbeat_while_an_alert_waits_for_its_retry(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGE_PING", f"http://127.0.0.1:{stage.receivers.port}/ping")
    stage.environment["monitoring"]["heartbeat"] = {"env": "STAGE_PING"}
    stage.write()
    stage.go(0, DOWN)
    stage.receivers.down = {"pager", "chat"}
    for minute in (1, 2, 3):
        assert stage.go(minute, DOWN) == 1
    tried = len(stage.receivers.tried)
    capsys.readouterr()
    assert stage.go(4, DOWN) == 1
    assert "pager is failing; messages waiting: 1" in capsys.readouterr().err
    assert len(stage.receivers.tried) == tried, "nothing was due"
    assert len(stage.receivers.pings) == 1
    stage.receivers.down = set()
    assert [stage.go(minute, DOWN) for minute in (6, 7)] == [0, 0]
    assert len(stage.receivers.pings) == 3


def test_mail_and_chat_webhook_receive_messages(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = MailServer()
    monkeypatch.setenv(
        "STAGE_PAGER", f"mailto://127.0.0.1:{mail.port}?from=checks@example.com&to=call@example.com&mode=insecure"
    )
    monkeypatch.setenv("STAGE_CHAT", f"mmost://127.0.0.1:{stage.receivers.port}/chat-token-0123456789")
    for minute in (0, 1):
        assert stage.go(minute, DOWN) == 0
    mail.close()
    assert len(mail.mails) == 1
    assert "health.unreachable" in mail.mails[0]
    assert len(stage.receivers.got) == 1
    assert "remedy 1" in stage.receivers.got[0].body


def test_secret_of_a_channel_is_never_shown(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGE_PAGER", "json://user:s3cret-of-the-pager@127.0.0.1:9/hook")
    for minute in (0, 1):
        stage.go(minute, DOWN)
    said = capsys.readouterr()
    assert "pager did not accept message" in said.err
    kept = b"".join(path.read_bytes() for path in (stage.state / "stage").iterdir() if path.is_file())
    assert "s3cret" not in said.err + said.out
    assert b"s3cret" not in kept


def test_reference_without_a_value_is_a_channel_that_is_down(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    address = os.environ["STAGE_PAGER"]
    monkeypatch.delenv("STAGE_PAGER")
    stage.go(0, DOWN)
    assert stage.go(1, DOWN) == 1
    monkeypatch.setenv("STAGE_PAGER", address)
    assert stage.go(2, DOWN) == 0
    assert stage.receivers.titles("pager") == [TITLE]


def test_incident_of_a_removed_check_is_closed_and_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in (0, 1):
        stage.go(minute, DOWN)
    monkeypatch.delitem(SYMPTOMS, "health.unreachable")
    for minute in (2, 60 * 24 + 3):
        stage.go(minute, [])
    titles = [title for title in stage.receivers.titles("pager") if "monitor:" not in title]
    assert titles == [TITLE, f"[stage] no longer checked: health.unreachable[{SYSTEM}]"]


def test_mistake_in_the_known_issues_stops_no_alert(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.know(acknowledged=[{"symptom": "health.*", "reason": "x", "untill": "2026-04-01"}])
    for minute in (0, 1):
        assert stage.go(minute, DOWN) == 1
    assert stage.receivers.titles("pager") == [TITLE]
    assert "did you mean 'until'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"severities": {"P0": {"channels": ["absent"]}}}, "names the channel 'absent'"),
        ({"severities": {"P0": {"after": 4, "of": 3}}}, "must be at least 'after'"),
        ({"channels": {"pager": "json://127.0.0.1"}}, "by reference only"),
    ],
)
def test_mistake_in_the_environment_is_reported(
    stage: Stage, change: dict[str, object], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.environment["monitoring"] |= change
    stage.write()
    assert stage.go(0, []) == 4
    assert sentence in capsys.readouterr().err


def test_resolution_is_sent_to_the_channels_of_the_alert(stage: Stage) -> None:
    for minute in range(64):
        stage.go(minute, DOWN)
    assert stage.receivers.titles("pager")[-1] == RESOLVED
    assert stage.receivers.titles("lead")[-1] == RESOLVED


def test_symptom_on_many_subjects_at_once_is_one_message(stage: Stage) -> None:
    many = [Trouble("domain.certificate-expired", 0, 5, subject=f"{n}.example.com") for n in range(40)]
    few = [Trouble("domain.certificate-expiring", 0, 5, subject=f"{n}.example.com", severity="P0") for n in range(3)]
    for minute in range(8):
        stage.go(minute, [*many, *few])
    titles = stage.receivers.titles("pager")
    assert len(titles) == 8, "one for the many and one for each of the few, alerted and resolved"
    assert titles[0] == f"[stage] P0 domain.certificate-expired[{SYSTEM}]#40 subjects (some-cause)"
    body = next(got.body for got in stage.receivers.got if got.title == titles[0])
    assert "0.example.com, 1.example.com" in body
    assert f"[stage] resolved: domain.certificate-expired[{SYSTEM}]#40 subjects" in titles


def test_history_of_the_first_version_is_migrated(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = runbook_checks.monitor.store.STEPS
    monkeypatch.setattr(runbook_checks.monitor.store, "STEPS", steps[:1])
    stage.store().close()
    monkeypatch.setattr(runbook_checks.monitor.store, "STEPS", steps)
    for minute in range(63):
        stage.go(minute, DOWN)
    assert stage.receivers.titles("pager")[-1] == RESOLVED
    assert stage.store().row("PRAGMA user_version")[0] == len(steps)  # type: ignore[index]


def test_old_entries_are_deleted_and_open_ones_are_kept(stage: Stage) -> None:
    stage.environment["monitoring"]["keep_days"] = 2
    stage.environment["monitoring"]["every_min"] = 60
    stage.write()
    brief, lasting = Trouble("health.slow", 0, 300), Trouble("backup.stale", 0, 60 * 24 * 9, every=60)
    for minute in range(0, 60 * 24 * 5, 60):
        stage.go(minute, [brief, lasting])
    store = stage.store()
    assert [row["symptom"] for row in store.rows("SELECT * FROM incident")] == ["backup.stale"]
    assert len(store.rows("SELECT DISTINCT date FROM day")) == 3
    assert len(store.rows("SELECT * FROM run")) <= 24 * 3
    assert store.rows("SELECT * FROM about WHERE message NOT IN (SELECT id FROM message)") == []
