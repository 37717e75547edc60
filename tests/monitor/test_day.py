"""A day of monitoring with a run a minute sends exactly the expected messages: none too many, and none lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.harness import SYSTEM
from tests.monitor.stage import Stage, Trouble

if TYPE_CHECKING:
    import pytest

DATABASE = f"database.unreachable[{SYSTEM}]"
HEALTH = f"health.unreachable[{SYSTEM}]"
SCRIPT = [
    # A root cause, and what it explains; confirmed by a second run before an alert.
    Trouble("database.unreachable", 60, 80, cause="connection-refused"),
    Trouble("health.not-ready", 60, 80, explained_by=DATABASE),
    Trouble("health.degraded", 60, 82, explained_by=DATABASE),
    Trouble("migration.missing", 60, 80, unknown="postgres", explained_by=DATABASE),
    # Occasionally: no alert. Every other minute: an alert.
    Trouble("health.slow", 120, 180, every=5),
    Trouble("health.slow", 200, 260, every=2),
    # Two hours of P0: the next escalation, then a reminder.
    Trouble("health.unreachable", 300, 420, cause="connection-refused"),
    # Acknowledged until minute 540, but present for another hour.
    Trouble("backup.stale", 480, 600),
    # During the maintenance of minutes 660 to 700, and after it.
    Trouble("health.not-ready", 665, 690),
    Trouble("health.unreachable", 690, 720),
    # An unknown result.
    Trouble("migration.missing", 760, 800, unknown="postgres"),
    Trouble("database.unreachable", 760, 800, unknown="postgres"),
    # The severity rises.
    Trouble("domain.certificate-expiring", 840, 870, severity="P2", cause="renewal-due"),
    Trouble("domain.certificate-expiring", 870, 900, severity="P1", cause="renewal-failing"),
    # While the chat is down, from minute 960 to 1000.
    Trouble("health.unreachable", 970, 980),
    # Results that a root cause explained remain after it is gone.
    Trouble("database.unreachable", 1100, 1120),
    Trouble("migration.missing", 1100, 1120, explained_by=DATABASE),
    Trouble("migration.missing", 1120, 1130),
    # Two subjects are two root causes.
    Trouble("domain.certificate-expired", 1200, 1210, subject="a.example.com"),
    Trouble("domain.certificate-expired", 1200, 1215, subject="b.example.com"),
]
NOT_RUN = range(1050, 1070)  # the schedule is broken
FAILED = range(1300, 1305)  # the checks fail


def title(head: str, name: str, tail: str = "") -> str:
    return f"[stage] {head}{name}[{SYSTEM}]{tail}"


def both(minute: int, text: str) -> list[tuple[int, str, str]]:
    return [(minute, "chat", text), (minute, "pager", text)]


def with_lead(minute: int, text: str) -> list[tuple[int, str, str]]:
    """On the pager and in the chat, and to the leads: an escalation, and its resolution."""
    return [*both(minute, text), (minute, "lead", text)]


EXPECTED = sorted([
    *both(61, title("P0 ", "database.unreachable", " (connection-refused)")),
    *with_lead(76, title("P0 ", "database.unreachable", ": escalated (connection-refused)")),
    *with_lead(81, title("resolved: ", "database.unreachable")),
    (204, "mail", title("P2 ", "health.slow", " (some-cause)")),
    (261, "mail", title("resolved: ", "health.slow")),
    *both(301, title("P0 ", "health.unreachable", " (connection-refused)")),
    *with_lead(316, title("P0 ", "health.unreachable", ": escalated (connection-refused)")),
    *with_lead(331, title("P0 ", "health.unreachable", ": escalated (connection-refused)")),
    *both(361, title("P0 ", "health.unreachable", ": escalated (connection-refused)")),
    *both(391, title("P0 ", "health.unreachable", ": still present (connection-refused)")),
    *with_lead(421, title("resolved: ", "health.unreachable")),
    (540, "chat", title("P1 ", "backup.stale", " (some-cause)")),
    (602, "chat", title("resolved: ", "backup.stale")),
    *both(700, title("P0 ", "health.unreachable", " (some-cause)")),
    *with_lead(715, title("P0 ", "health.unreachable", ": escalated (some-cause)")),
    *with_lead(721, title("resolved: ", "health.unreachable")),
    *both(761, title("P0 ", "unreadable:postgres")),
    *with_lead(776, title("P0 ", "unreadable:postgres", ": escalated")),
    *with_lead(791, title("P0 ", "unreadable:postgres", ": escalated")),
    *with_lead(801, title("resolved: ", "unreadable:postgres")),
    (842, "mail", title("P2 ", "domain.certificate-expiring", " (renewal-due)")),
    (870, "chat", title("P1 ", "domain.certificate-expiring", ": more severe (renewal-failing)")),
    (902, "chat", title("resolved: ", "domain.certificate-expiring")),
    (902, "mail", title("resolved: ", "domain.certificate-expiring")),
    (971, "pager", title("P0 ", "health.unreachable", " (some-cause)")),
    (981, "pager", title("resolved: ", "health.unreachable")),
    # Tried at 971, 972, 973, 975, 979, 981 (a new message), 996 and, after 15 minutes at most, at 1011.
    (1011, "chat", title("P0 ", "health.unreachable", " (some-cause)")),
    (1011, "chat", title("resolved: ", "health.unreachable")),
    (1070, "mail", "[stage] monitor: no checks from 2026-03-02 17:29 UTC to 2026-03-02 17:50 UTC (21 min): "
                   "20 runs were missed or late"),
    *both(1101, title("P0 ", "database.unreachable", " (some-cause)")),
    *both(1121, title("P0 ", "migration.missing", " (some-cause)")),
    *with_lead(1116, title("P0 ", "database.unreachable", ": escalated (some-cause)")),
    *with_lead(1121, title("resolved: ", "database.unreachable")),
    *both(1131, title("resolved: ", "migration.missing")),
    *both(1201, title("P0 ", "domain.certificate-expired", "#a.example.com (some-cause)")),
    *both(1201, title("P0 ", "domain.certificate-expired", "#b.example.com (some-cause)")),
    *both(1211, title("resolved: ", "domain.certificate-expired", "#a.example.com")),
    *both(1216, title("resolved: ", "domain.certificate-expired", "#b.example.com")),
    (1301, "mail", "[stage] monitor: the monitor is failing: "),
    (1305, "mail", "[stage] monitor: the monitor works again"),
])  # fmt: skip


def test_day_sends_exactly_the_expected_messages(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.know(
        acknowledged=[{"symptom": "backup.*", "reason": "moves", "until": "2026-03-02T09:00Z", "by": "lee"}],
        maintenance=[{"begins": "2026-03-02T11:00Z", "ends": "2026-03-02T11:40Z", "reason": "PostgreSQL 18"}],
    )
    begun = time.process_time()
    runs = 0
    for minute in range(1440):
        if minute in NOT_RUN:
            continue
        stage.receivers.down = {"chat"} if 960 <= minute < 1000 else set()
        code = stage.go(minute, None if minute in FAILED else SCRIPT)
        is_in_trouble = minute in FAILED or 971 <= minute < 1011
        assert code == is_in_trouble, (minute, capsys.readouterr())
        runs += 1
    assert runs == 1420
    reported = sorted(map(shortened, stage.messages()))
    assert [entry for entry in reported if entry not in EXPECTED] == [], "sent, but not expected"
    assert [entry for entry in EXPECTED if entry not in reported] == [], "expected, but not sent"
    assert reported == EXPECTED, "each of them once"
    assert time.process_time() - begun < 60


def shortened(entry: tuple[int, str, str]) -> tuple[int, str, str]:
    """The reason of a failed run contains this test's folder."""
    at, channel, text = entry
    head, found, _ = text.partition("is failing: ")
    return at, channel, head + found
