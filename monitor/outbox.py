"""Which messages are still to be delivered, on which channel? Kept with the states, so that neither is lost alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from environments.monitoring import Monitoring
    from monitor.incidents import Word
    from monitor.store import Row, Store

FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 900.0


class NotDelivered(Exception):
    """A channel did not take a message; the sentence says why, without secrets."""


def queue(store: Store, rules: Monitoring, words: list[Word], at: float, title: str, body: str) -> int:
    """Put what is to be told of one incident, or of several alike, on its channels; how many those are."""
    word = words[0]
    names = set(rules.rule(word.severity).channels)
    if word.kind in ("alert", "escalation"):
        names |= {channel for who in word.who for channel in rules.roles.get(who, ())}
    for each in words:
        if each.kind in ("resolved", "unwatched"):
            names |= {row["channel"] for row in store.rows(_TOLD, each.incident)}
        if each.kind == "reminder":
            store.run(_OVERTAKEN, each.incident)
    number = _put(store, word.kind, word.severity, at, title, body, names)
    for each in words:
        store.run("INSERT INTO about VALUES (?, ?)", number, each.incident)
    return len(names)


def queue_own(store: Store, rules: Monitoring, at: float, title: str, body: str) -> None:
    """Put the monitor's own trouble on its channels."""
    _put(store, "watcher", rules.watcher, at, title, body, rules.rule(rules.watcher).channels)


_TOLD = "SELECT DISTINCT channel FROM delivery JOIN about ON about.message = delivery.message WHERE about.incident = ?"
# A reminder that a silent channel has not taken says nothing that the next one doesn't.
_OVERTAKEN = """DELETE FROM delivery WHERE delivered_at IS NULL AND message IN
    (SELECT id FROM message JOIN about ON about.message = id WHERE kind = 'reminder' AND about.incident = ?)"""


def _put(store: Store, kind: str, severity: str, at: float, title: str, body: str, names: Iterable[str]) -> int:
    number = store.run(
        "INSERT INTO message (kind, severity, at, title, body) VALUES (?, ?, ?, ?, ?)", kind, severity, at, title, body
    )
    for name in sorted(set(names)):
        store.run("INSERT INTO delivery (message, channel, next_at) VALUES (?, ?, ?)", number, name, at)
    return number


def deliver(store: Store, send: Callable[[str, str, str, str], None], at: float) -> Iterator[str]:
    """Hand over what is due, in order on each channel; yields a sentence for each channel that took nothing.

    A message is marked once the channel has taken it: whoever is killed in between delivers it twice, never not at all.
    """
    due = "SELECT DISTINCT channel FROM delivery WHERE delivered_at IS NULL AND next_at <= ? ORDER BY channel"
    for channel in [row["channel"] for row in store.rows(due, at)]:
        for row in store.rows(_WAITING, channel):
            try:
                send(channel, row["kind"], row["title"], f"{row['body']}message {row['id']}\n")
            except NotDelivered as error:
                _put_off(store, row, at, str(error))
                yield f"{channel} did not take message {row['id']} ({row['title']}): {error}"
                break
            store.run(
                "UPDATE delivery SET delivered_at = ?, attempts = attempts + 1, error = ''"
                " WHERE message = ? AND channel = ?",
                *(at, row["id"], channel),
            )


_WAITING = """SELECT message.*, channel, attempts FROM delivery JOIN message ON message.id = delivery.message
    WHERE channel = ? AND delivered_at IS NULL ORDER BY message.id"""


def _put_off(store: Store, row: Row, at: float, error: str) -> None:
    """The whole channel waits, so that messages keep their order; a new one makes it be tried again at once."""
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** row["attempts"])
    with store.transaction():
        store.run(
            "UPDATE delivery SET attempts = attempts + 1, error = ? WHERE message = ? AND channel = ?",
            *(error, row["id"], row["channel"]),
        )
        store.run(
            "UPDATE delivery SET next_at = ? WHERE channel = ? AND delivered_at IS NULL", at + pause, row["channel"]
        )


def waiting(store: Store) -> int:
    """How many deliveries are still to be made."""
    row = store.row("SELECT count(*) AS number FROM delivery WHERE delivered_at IS NULL")
    return int(row["number"]) if row else 0
