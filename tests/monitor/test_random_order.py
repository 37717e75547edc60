"""Whatever happens in whichever order, every incident is alerted once and resolved once, on every channel, in order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from runbook_checks.monitor.outbox import waiting
from tests.monitor.stage import SYMPTOMS, Stage, Trouble

if TYPE_CHECKING:
    from tests.monitor.receivers import Got

LENGTH, QUIET = 180, 60


def by_chance(rng: random.Random) -> list[Trouble]:
    """Return findings of any symptom, for a while, with or without a subject; some flap, some are unknown."""
    troubles = []
    for _ in range(14):
        begins, lasts = rng.randrange(LENGTH - 20), rng.choice([1, 2, 4, 20, 45])
        name = rng.choice(list(SYMPTOMS))
        troubles.append(
            Trouble(
                name,
                begins,
                min(begins + lasts, LENGTH),
                severity=rng.choice(["", "P1", "P2"]),
                subject=rng.choice([None, None, "a.example.com", "b.example.com"]),
                every=rng.choice([1, 1, 1, 2]),
                unknown=rng.choice([None, None, None, "postgres"]),
            )
        )
    return troubles


@pytest.mark.parametrize("seed", range(4))
def test_every_alert_is_resolved_once_and_in_order(stage: Stage, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same findings every time
    troubles = by_chance(rng)
    for minute in range(LENGTH + QUIET):
        is_quiet = minute >= LENGTH
        stage.receivers.down = set() if is_quiet else {name for name in ("chat", "mail") if rng.random() < 0.3}
        if not is_quiet and rng.random() < 0.03:
            stage.go(minute, None)  # the checks failed
        else:
            stage.go(minute, troubles)
    store = stage.store()
    opened = store.rows("SELECT * FROM incident")
    assert opened
    assert all(row["ended"] for row in opened)
    assert waiting(store) == 0
    for row in opened:
        reported = [got for got in stage.receivers.got if f"incident {row['id']}\n" in got.body]
        for channel in {got.channel for got in reported}:
            in_order([got for got in reported if got.channel == channel])
    numbers = [(got.channel, got.body.split("message ")[-1]) for got in stage.receivers.got]
    assert len(set(numbers)) == len(numbers), "nothing is sent twice"


def in_order(reported: list[Got]) -> None:
    assert "resolved: " in reported[-1].title
    assert sum("resolved: " in got.title for got in reported) == 1
    assert [got.at for got in reported] == sorted(got.at for got in reported)
