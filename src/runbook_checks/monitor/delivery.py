"""Messages and refusals, as the modules use them that queue, deliver and set aside messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runbook_checks.monitor.store import Store

FINAL, PASSING, UNCLEAR = "final", "passing", "unclear"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 900.0


class NotDelivered(Exception):
    """A channel did not accept a message; the sentence says why, without secrets."""

    def __init__(self, sentence: str, kind: str = UNCLEAR, wait_s: float = 0.0, *, is_gone: bool = False) -> None:
        super().__init__(sentence)
        self.kind, self.wait_s, self.is_gone = kind, wait_s, is_gone


def pause(attempts: int) -> float:
    """The exponential backoff after another refusal, in seconds."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts, 10))


def put(store: Store, kind: str, severity: str, at: float, title: str, body: str, names: Iterable[str]) -> int:
    """Store a message for delivery on the named channels; its number."""
    number = store.run(
        "INSERT INTO message (kind, severity, at, title, body) VALUES (?, ?, ?, ?, ?)", kind, severity, at, title, body
    )
    for name in sorted(set(names)):
        store.run("INSERT INTO delivery (message, channel, next_at) VALUES (?, ?, ?)", number, name, at)
    return number
