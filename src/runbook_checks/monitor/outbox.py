"""Keep the messages that are still to be delivered, by channel, with the states that caused them; and deliver them.

On one channel what is told of an incident keeps its order: alert before resolved. Different incidents never wait for
each other. A refusal is final (this message will never be taken: HTTP 400 or 404), passing (HTTP 429 or 5xx, no answer)
or unclear. What is refused for good is set aside (monitor.aside); everything else is tried again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.monitor import aside
from runbook_checks.monitor.delivery import FINAL, PASSING, NotDelivered, pause, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.monitor.incidents import Word
    from runbook_checks.monitor.store import Row, Store

MOST_REFUSALS = 3  # so many messages refused, and a channel is left alone until the next round


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
    number = put(store, word.kind, word.severity, at, title, body, names)
    for each in words:
        store.run("INSERT INTO about VALUES (?, ?)", number, each.incident)
    return len(names)


def queue_own(store: Store, rules: Monitoring, at: float, title: str, body: str) -> None:
    """Put the monitor's own trouble on its channels."""
    put(store, "watcher", rules.watcher, at, title, body, rules.rule(rules.watcher).channels)


# Where an alert was set aside, nobody needs to hear that it is over; what went elsewhere instead is told there.
_TOLD = """SELECT DISTINCT channel FROM delivery JOIN about ON about.message = delivery.message
    WHERE about.incident = ? AND set_aside_at IS NULL"""
# A reminder that a silent channel has not taken says nothing that the next one doesn't.
_OVERTAKEN = """DELETE FROM delivery WHERE delivered_at IS NULL AND set_aside_at IS NULL AND message IN
    (SELECT id FROM message JOIN about ON about.message = id WHERE kind = 'reminder' AND about.incident = ?)"""


def deliver(
    store: Store, rules: Monitoring, send: Callable[[str, str, str, str], None], at: float, name: str
) -> Iterator[str]:
    """Hand over what is due; yields a sentence for each message that was refused, and for each channel with others.

    A message is marked once the channel has taken it: after a kill in between it is delivered twice, never not at all.
    """
    refusals: Counter[str] = Counter()
    while line := _next(store, at, refusals):
        for row in line.rows:
            try:
                send(line.channel, row["kind"], row["title"], f"{row['body']}message {row['id']}\n")
            except NotDelivered as refused:
                # No answer, or too many requests, is about the channel and not about the message.
                refusals[line.channel] += MOST_REFUSALS if refused.kind == PASSING else not refused.is_gone
                if aside.is_over(store, row, refused, at):
                    yield aside.set_aside(store, rules, row, refused, at, name)
                    continue
                _put_off(store, line, row, refused, at)
                yield f"{line.channel} did not take message {row['id']} ({row['title']}): {refused}"
                break
            _took(store, row, at)
    yield from aside.try_anew(store, rules, at)
    yield from _left(store, refusals)
    yield from aside.untold(store, rules, at)


def _left(store: Store, told: Counter[str]) -> Iterator[str]:
    """A sentence for each channel with messages that waited all through this round."""
    for row in store.rows("SELECT channel, count(*) AS number, max(error) AS error FROM waiting GROUP BY channel"):
        if row["channel"] not in told:
            yield f"waiting for {row['channel']} to work again: messages {row['number']} ({row['error']})"


@dataclass(eq=False)
class _Line:
    """What waits for one channel about the same incidents, in order."""

    channel: str
    rows: list[Row] = field(default_factory=list)
    incidents: set[int] = field(default_factory=set)

    def is_due(self, at: float) -> bool:
        """Something new makes what waits before it be tried at once, unless the channel asked for a pause."""
        return self.rows[0]["wait_until"] <= at and any(row["next_at"] <= at for row in self.rows)

    @property
    def rank(self) -> tuple[int, str, int]:
        """What was never tried before what was refused, the gravest first: an old refusal holds up no new P0."""
        tried = [row["attempts"] > 0 for row in self.rows]
        return any(tried) + all(tried), min(row["severity"] for row in self.rows), self.rows[0]["id"]


def _next(store: Store, at: float, refusals: Counter[str]) -> _Line | None:
    due = [line for line in _lines(store) if refusals[line.channel] < MOST_REFUSALS and line.is_due(at)]
    return min(due, key=lambda line: line.rank, default=None)


def _lines(store: Store) -> list[_Line]:
    about: dict[int, set[int]] = {}
    for row in store.rows("SELECT * FROM about WHERE message IN (SELECT message FROM waiting)"):
        about.setdefault(row["message"], set()).add(row["incident"])
    lines: list[_Line] = []
    line_of: dict[tuple[str, int], _Line] = {}
    for row in store.rows(_WAITING):
        line = _Line(row["channel"], [], set(about.get(row["id"], ())))
        for before in {id(found): found for i in line.incidents if (found := line_of.get((line.channel, i)))}.values():
            lines.remove(before)
            line.rows += before.rows
            line.incidents |= before.incidents
        line.rows.sort(key=lambda each: int(each["id"]))
        line.rows.append(row)
        line_of |= {(line.channel, incident): line for incident in line.incidents}
        lines.append(line)
    return lines


_WAITING = """SELECT message.*, channel, attempts, next_at, first_try, finals, wait_until
    FROM waiting JOIN message ON message.id = waiting.message ORDER BY message.id"""


def _took(store: Store, row: Row, at: float) -> None:
    store.run(
        "UPDATE delivery SET delivered_at = ?, attempts = attempts + 1, error = '' WHERE message = ? AND channel = ?",
        *(at, row["id"], row["channel"]),
    )
    aside.works_again(store, row["channel"], at)


def _put_off(store: Store, line: _Line, row: Row, refused: NotDelivered, at: float) -> None:
    """What waits behind it about the same incidents waits with it, so that it keeps its order."""
    next_at = at + max(refused.wait_s, pause(row["attempts"]))
    with store.transaction():
        store.run(
            "UPDATE delivery SET attempts = attempts + 1, finals = finals + ?, error = ?, wait_until = ?,"
            " first_try = coalesce(first_try, ?) WHERE message = ? AND channel = ?",
            *(refused.kind == FINAL, str(refused), at + refused.wait_s, at, row["id"], row["channel"]),
        )
        for each in line.rows:
            store.run(
                "UPDATE delivery SET next_at = ? WHERE message = ? AND channel = ? AND delivered_at IS NULL",
                *(next_at, each["id"], row["channel"]),
            )


def waiting(store: Store) -> int:
    """How many deliveries are still to be made."""
    row = store.row("SELECT count(*) AS number FROM waiting")
    return int(row["number"]) if row else 0
