"""Set aside messages that a channel refuses permanently, send them to other channels, and report the channel.

A refusing channel is reported once, on other channels, until it accepts a message again. A refusal of that report is
not reported in turn: where no other channel accepts it, the monitor's output, exit code and status page show it.
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
# Mail does not say whether a refusal is permanent: give up after a day of retries.
UNCLEAR_TRIES, UNCLEAR_S = 20, 24 * 3600.0
UNREPORTED_S = 24 * 3600.0  # a refusing channel that could not be reported fails each round for this long


def is_over(store: Store, row: Row, refused: NotDelivered, at: float) -> bool:
    """Whether to give up a message on a channel after this refusal."""
    if refused.kind == FINAL:
        known = refused.is_gone or row["channel"] in _refusing(store)
        return known or int(row["finals"]) + 1 >= FINAL_TRIES
    long_enough = row["first_try"] is not None and at - row["first_try"] >= UNCLEAR_S
    return refused.kind == UNCLEAR and long_enough and int(row["attempts"]) + 1 >= UNCLEAR_TRIES


def set_aside(store: Store, rules: Monitoring, row: Row, refused: NotDelivered, at: float, name: str) -> str:
    """Stop delivering a message on a channel; a sentence for the output."""
    channel, error, what = row["channel"], str(refused), f"message {row['id']} ({row['title']})"
    did = f"refused {what} permanently" if refused.kind == FINAL else f"has not accepted {what} for a day"
    with store.transaction():
        store.run(
            "UPDATE delivery SET set_aside_at = ?, attempts = attempts + 1, finals = max(finals + 1, ?), error = ?"
            " WHERE message = ? AND channel = ?",
            *(at, FINAL_TRIES, error, row["id"], channel),
        )
        elsewhere = _elsewhere(store, rules, row, at)
        sentence = f"{channel} {did}: {error}; the message is set aside{elsewhere}"
        is_first = row["finals"] < FINAL_TRIES  # a message that was set aside before and is retried is not
        if is_first and row["kind"] != NOTICE and channel not in _refusing(store):
            number = _report(store, rules, row, sentence, at, name)
            store.run("INSERT INTO refusing VALUES (?, ?, ?, ?)", channel, at, error, number)
    return sentence


def _elsewhere(store: Store, rules: Monitoring, row: Row, at: float) -> str:
    """Queue a message on other channels where none is left; the tail of a sentence that names them."""
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
    return f" and sent to {', '.join(names)}" if names else "; no other channel is left"


def _report(store: Store, rules: Monitoring, row: Row, sentence: str, at: float, name: str) -> int:
    refusing = _refusing(store) | {row["channel"]}
    names = {*rules.rule(rules.watcher).channels, *rules.rule(row["severity"]).channels} - refusing
    if not names and row["severity"] in ("P0", "P1"):
        names = set(rules.channels) - refusing
    title = f"[{name}] monitor: {row['channel']} refuses messages"
    return put(store, NOTICE, rules.watcher, at, title, f"{sentence}\n", names)


def _refusing(store: Store) -> set[str]:
    return {row["channel"] for row in store.rows("SELECT channel FROM refusing")}


def works_again(store: Store, channel: str, at: float) -> None:
    """Note that a channel accepted a message: its next refusal is reported again, and its waiting messages are due."""
    if channel in _refusing(store):
        store.run("DELETE FROM refusing WHERE channel = ?", channel)
        store.run(_DUE, at, channel, at)


_DUE = """UPDATE delivery SET next_at = ? WHERE channel = ? AND next_at > ?
    AND delivered_at IS NULL AND set_aside_at IS NULL"""


def retry_grave(store: Store, rules: Monitoring, at: float) -> Iterator[str]:
    """Retry alerts of P0 and P1 that no channel accepted, while their incident is open; a sentence for each."""
    for row in store.rows(_UNDELIVERED_ALERTS):
        if row["channel"] in rules.channels:
            store.run(
                "UPDATE delivery SET set_aside_at = NULL, next_at = ? WHERE message = ? AND channel = ?",
                *(at + pause(row["attempts"] - 1), row["message"], row["channel"]),
            )
            yield f"no channel has accepted message {row['message']} ({row['title']}): retrying {row['channel']}"


_UNDELIVERED_ALERTS = """SELECT title, delivery.* FROM delivery JOIN message ON message.id = delivery.message
    WHERE set_aside_at IS NOT NULL AND kind IN ('alert', 'graver', 'escalation') AND severity IN ('P0', 'P1')
    AND message NOT IN (SELECT message FROM delivery WHERE delivered_at IS NOT NULL)
    AND message IN (SELECT message FROM about JOIN incident ON incident.id = incident WHERE ended IS NULL)"""


def unreported(store: Store, rules: Monitoring, at: float) -> Iterator[str]:
    """A sentence for each refusing channel whose report no other channel has accepted."""
    for row in store.rows("SELECT * FROM refusing ORDER BY channel"):
        taken = "SELECT 1 FROM delivery WHERE message = ? AND delivered_at IS NOT NULL"
        if row["channel"] not in rules.channels:
            works_again(store, row["channel"], at)
        elif store.row(taken, row["notice"]) is None and at - row["since"] < UNREPORTED_S:
            yield f"{row['channel']} refuses messages ({row['error']}), and no other channel accepted the report"


def recent(store: Store, since: float) -> list[Row]:
    """Deliveries that were set aside since then, the newest first."""
    return store.rows(
        "SELECT message.title, delivery.* FROM delivery JOIN message ON message.id = delivery.message"
        " WHERE set_aside_at >= ? ORDER BY set_aside_at DESC, message.id DESC LIMIT 50",
        since,
    )
