"""Set messages aside that a channel refuses for good, see that somebody else gets them, and tell of the channel.

A channel that refuses is told of once, on other channels, until it takes a message again. What tells of it is itself
never told of: where no other channel takes it, the monitor's own output, its exit code and the status page say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.monitor.delivery import FINAL, UNCLEAR, pause, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.monitor.delivery import NotDelivered
    from runbook_checks.monitor.store import Row, Store

NOTICE = "refusal"
FINAL_TRIES = 3
# Where it can't be known whether a refusal is final, as with mail: after a day of tries.
UNCLEAR_TRIES, UNCLEAR_S = 20, 24 * 3600.0
UNTOLD_S = 24 * 3600.0  # for so long a channel that nobody could be told of is a trouble of each round


def is_over(store: Store, row: Row, refused: NotDelivered, at: float) -> bool:
    """Whether to give up a message on a channel after this refusal."""
    if refused.kind == FINAL:
        known = refused.is_gone or row["channel"] in _refusing(store)
        return known or int(row["finals"]) + 1 >= FINAL_TRIES
    long_enough = row["first_try"] is not None and at - row["first_try"] >= UNCLEAR_S
    return refused.kind == UNCLEAR and long_enough and int(row["attempts"]) + 1 >= UNCLEAR_TRIES


def set_aside(store: Store, rules: Monitoring, row: Row, refused: NotDelivered, at: float, name: str) -> str:
    """Take a message off a channel's list; a sentence that says so."""
    channel, error, what = row["channel"], str(refused), f"message {row['id']} ({row['title']})"
    did = f"refused {what} for good" if refused.kind == FINAL else f"has not taken {what} for a day"
    with store.transaction():
        store.run(
            "UPDATE delivery SET set_aside_at = ?, attempts = attempts + 1, finals = max(finals + 1, ?), error = ?"
            " WHERE message = ? AND channel = ?",
            *(at, FINAL_TRIES, error, row["id"], channel),
        )
        elsewhere = _elsewhere(store, rules, row, at)
        sentence = f"{channel} {did}: {error}; it is set aside{elsewhere}"
        is_first = row["finals"] < FINAL_TRIES  # and not one that was set aside before, and is tried again
        if is_first and row["kind"] != NOTICE and channel not in _refusing(store):
            number = _tell(store, rules, row, sentence, at, name)
            store.run("INSERT INTO refusing VALUES (?, ?, ?, ?)", channel, at, error, number)
    return sentence


def _elsewhere(store: Store, rules: Monitoring, row: Row, at: float) -> str:
    """See that a message reaches somebody; the tail of a sentence that says who."""
    others = store.rows("SELECT * FROM delivery WHERE message = ? AND set_aside_at IS NULL", row["id"])
    if others or row["kind"] == NOTICE:
        return f" (also on {', '.join(other['channel'] for other in others)})" if others else ""
    tried = {each["channel"] for each in store.rows("SELECT channel FROM delivery WHERE message = ?", row["id"])}
    steps = [rules.rule(row["severity"]).channels, rules.rule(rules.watcher).channels]
    if row["severity"] in ("P0", "P1"):
        steps.append(sorted(rules.channels))
    names = next((left for step in steps if (left := [name for name in step if name not in tried])), [])
    for name in names:
        store.run("INSERT INTO delivery (message, channel, next_at) VALUES (?, ?, ?)", row["id"], name, at)
    return f" and goes to {', '.join(names)}" if names else "; no other channel is left for it"


def _tell(store: Store, rules: Monitoring, row: Row, sentence: str, at: float, name: str) -> int:
    refusing = _refusing(store) | {row["channel"]}
    names = {*rules.rule(rules.watcher).channels, *rules.rule(row["severity"]).channels} - refusing
    if not names and row["severity"] in ("P0", "P1"):
        names = set(rules.channels) - refusing
    title = f"[{name}] monitor: {row['channel']} does not take messages"
    return put(store, NOTICE, rules.watcher, at, title, f"{sentence}\n", names)


def _refusing(store: Store) -> set[str]:
    return {row["channel"] for row in store.rows("SELECT channel FROM refusing")}


def works_again(store: Store, channel: str, at: float) -> None:
    """It took a message: the next refusal is something new, and what waits for it is due."""
    if channel in _refusing(store):
        store.run("DELETE FROM refusing WHERE channel = ?", channel)
        store.run(_DUE, at, channel, at)


_DUE = """UPDATE delivery SET next_at = ? WHERE channel = ? AND next_at > ?
    AND delivered_at IS NULL AND set_aside_at IS NULL"""


def try_anew(store: Store, rules: Monitoring, at: float) -> Iterator[str]:
    """What is grave, still there, and was taken by nobody is given up on no channel; a sentence for each."""
    for row in store.rows(_UNHEARD):
        if row["channel"] in rules.channels:
            store.run(
                "UPDATE delivery SET set_aside_at = NULL, next_at = ? WHERE message = ? AND channel = ?",
                *(at + pause(row["attempts"] - 1), row["message"], row["channel"]),
            )
            yield f"nobody has message {row['message']} ({row['title']}) yet: {row['channel']} is tried again"


_UNHEARD = """SELECT title, delivery.* FROM delivery JOIN message ON message.id = delivery.message
    WHERE set_aside_at IS NOT NULL AND kind IN ('alert', 'graver', 'escalation') AND severity IN ('P0', 'P1')
    AND message NOT IN (SELECT message FROM delivery WHERE delivered_at IS NOT NULL)
    AND message IN (SELECT message FROM about JOIN incident ON incident.id = incident WHERE ended IS NULL)"""


def untold(store: Store, rules: Monitoring, at: float) -> Iterator[str]:
    """A sentence for each channel that refuses messages, and of which no other channel has taken the notice."""
    for row in store.rows("SELECT * FROM refusing ORDER BY channel"):
        taken = "SELECT 1 FROM delivery WHERE message = ? AND delivered_at IS NOT NULL"
        if row["channel"] not in rules.channels:
            works_again(store, row["channel"], at)
        elif store.row(taken, row["notice"]) is None and at - row["since"] < UNTOLD_S:
            yield f"{row['channel']} does not take messages ({row['error']}), and no other channel took the notice"


def recent(store: Store, since: float) -> list[Row]:
    """What was set aside since then, the newest first."""
    return store.rows(
        "SELECT message.title, delivery.* FROM delivery JOIN message ON message.id = delivery.message"
        " WHERE set_aside_at >= ? ORDER BY set_aside_at DESC, message.id DESC LIMIT 50",
        since,
    )
