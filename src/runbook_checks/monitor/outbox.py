"""Queue messages by channel and deliver them.

On each channel the messages about an incident keep their order: alert before resolved. Incidents do not wait for each
other. A refusal is final (HTTP 400 or 404: the message will never be accepted), passing (HTTP 429 or 5xx, no response)
or unclear. After a final refusal a message is set aside (monitor.undeliverable); all others are retried.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.monitor import undeliverable
from runbook_checks.monitor.delivery import FINAL, PASSING, NotDelivered, pause, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.monitor.incidents import Event
    from runbook_checks.monitor.store import Row, Store

MOST_REFUSALS = 3  # after this many refusals a channel gets no message until the next round


def queue(store: Store, rules: Monitoring, events: list[Event], at: float, title: str, body: str) -> int:
    """Queue a message about an incident, or about several alike, on its channels; the number of channels."""
    event = events[0]
    names = set(rules.rule(event.severity).channels)
    if event.kind in ("alert", "escalation"):
        names |= {channel for who in event.who for channel in rules.roles.get(who, ())}
    for each in events:
        if each.kind in ("resolved", "unwatched"):
            names |= {row["channel"] for row in store.rows(_NOTIFIED, each.incident)}
        if each.kind == "reminder":
            store.run(_OVERTAKEN, each.incident)
    number = put(store, event.kind, event.severity, at, title, body, names)
    for each in events:
        store.run("INSERT INTO about VALUES (?, ?)", number, each.incident)
    return len(names)


def queue_own(store: Store, rules: Monitoring, at: float, title: str, body: str) -> None:
    """Queue a message about the monitor itself."""
    put(store, "watcher", rules.watcher, at, title, body, rules.rule(rules.watcher).channels)


# The channels that got the incident's messages; where an alert was set aside, no "resolved" follows.
_NOTIFIED = """SELECT DISTINCT channel FROM delivery JOIN about ON about.message = delivery.message
    WHERE about.incident = ? AND set_aside_at IS NULL"""
# An undelivered reminder is redundant once the next one is queued.
_OVERTAKEN = """DELETE FROM delivery WHERE delivered_at IS NULL AND set_aside_at IS NULL AND message IN
    (SELECT id FROM message JOIN about ON about.message = id WHERE kind = 'reminder' AND about.incident = ?)"""


def deliver(
    store: Store, rules: Monitoring, send: Callable[[str, str, str, str], None], at: float, name: str
) -> Iterator[str]:
    """Deliver what is due; yields a sentence for each refusal, and for each channel where messages wait.

    A message is marked after the channel has accepted it: a kill in between delivers it twice, and never loses it.
    """
    refusals: Counter[str] = Counter()
    while line := _next(store, at, refusals):
        for row in line.rows:
            try:
                send(line.channel, row["kind"], row["title"], f"{row['body']}message {row['id']}\n")
            except NotDelivered as refused:
                # No response, or too many requests, concerns the channel and not the message.
                refusals[line.channel] += MOST_REFUSALS if refused.kind == PASSING else not refused.is_gone
                if undeliverable.is_over(store, row, refused, at):
                    yield undeliverable.set_aside(store, rules, row, refused, at, name)
                    continue
                _put_off(store, line, row, refused, at)
                yield f"{line.channel} did not accept message {row['id']} ({row['title']}): {refused}"
                break
            _mark_delivered(store, row, at)
    yield from undeliverable.retry_grave(store, rules, at)
    yield from _waiting_channels(store, refusals)
    yield from undeliverable.unreported(store, rules, at)


def _waiting_channels(store: Store, reported: Counter[str]) -> Iterator[str]:
    """A sentence for each channel whose messages were not tried in this round."""
    for row in store.rows("SELECT channel, count(*) AS number, max(error) AS error FROM waiting GROUP BY channel"):
        if row["channel"] not in reported:
            yield f"{row['channel']} is failing; messages waiting: {row['number']} ({row['error']})"


@dataclass(eq=False)
class _Line:
    """The messages that wait for one channel about the same incidents, in order."""

    channel: str
    rows: list[Row] = field(default_factory=list)
    incidents: set[int] = field(default_factory=set)

    def is_due(self, at: float) -> bool:
        """Whether to deliver now: a new message makes earlier ones due, unless the channel asked for a pause."""
        return self.rows[0]["wait_until"] <= at and any(row["next_at"] <= at for row in self.rows)

    @property
    def rank(self) -> tuple[int, str, int]:
        """The order of delivery: untried messages before refused ones, which must not delay a new P0; then severity."""
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


def _mark_delivered(store: Store, row: Row, at: float) -> None:
    store.run(
        "UPDATE delivery SET delivered_at = ?, attempts = attempts + 1, error = '' WHERE message = ? AND channel = ?",
        *(at, row["id"], row["channel"]),
    )
    undeliverable.works_again(store, row["channel"], at)


def _put_off(store: Store, line: _Line, row: Row, refused: NotDelivered, at: float) -> None:
    """Postpone a message, and with it the later messages about the same incidents, which keeps their order."""
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
