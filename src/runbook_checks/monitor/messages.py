"""The text of a message: symptom, cause, evidence, remedy and what it explains, enough to act on from a phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.config.runbook import Chosen
    from runbook_checks.monitor.incidents import Event

MOST_EXPLAINED = 15
MOST_SEPARATE = 5  # more subjects with the same symptom and cause share one message
MOST_SUBJECTS = 50
_HEADS = {
    "alert": "{0.severity} {0.key}",
    "graver": "{0.severity} {0.key}: more severe",
    "reminder": "{0.severity} {0.key}: still present",
    "escalation": "{0.severity} {0.key}: escalated",
    "resolved": "resolved: {0.key}",
    "unwatched": "no longer checked: {0.key}",
}


def grouped(events: Iterable[Event]) -> list[list[Event]]:
    """The events of each message: one, or many that differ in their subject only."""
    alike: dict[tuple[object, ...], list[Event]] = {}
    for event in events:
        kind = (event.kind, event.key.system, event.key.symptom, event.severity, event.details.get("cause"), event.note)
        alike.setdefault(kind, []).append(event)
    groups = [
        [several] if len(several) > MOST_SEPARATE else [[event] for event in several] for several in alike.values()
    ]
    return [group for several in groups for group in several]


def title(events: list[Event], environment: str) -> str:
    event, cause = events[0], events[0].details.get("cause")
    tail = f" ({cause})" if cause and event.kind not in ("resolved", "unwatched") else ""
    if len(events) > 1:
        event = replace(event, key=replace(event.key, subject=f"{len(events)} subjects"))
    return clean(f"[{environment}] {_HEADS[event.kind].format(event)}{tail}")


def body(events: list[Event], systems: dict[str, Chosen], link: str) -> str:
    several = ""
    if len(events) > 1:
        subjects = [clean(event.key.subject) for event in events]
        more = f" and {len(subjects) - MOST_SUBJECTS} more" if len(subjects) > MOST_SUBJECTS else ""
        several = f"on: {', '.join(subjects[:MOST_SUBJECTS])}{more}\nDetails of the first one:\n"
    numbers = ", ".join(str(event.incident) for event in events)
    last = f"incident{'s' if len(events) > 1 else ''} {numbers}\n"
    return several + "\n".join(_lines(events[0], systems, link)) + f"\n{last}"


def _lines(event: Event, systems: dict[str, Chosen], link: str) -> Iterator[str]:
    chosen, details = systems.get(event.key.system), event.details
    text = chosen.symptoms.get(event.key.symptom) if chosen else None
    if text is not None:
        yield text.title + "."
    elif "resource" in details:
        yield f"{details['resource']} gives no answer. Unknown because of it: {', '.join(details['symptoms'])}."
    if event.note:
        yield clean(f"{event.note[0].upper()}{event.note[1:]}.")
    if event.kind == "resolved":
        yield f"It began {clock(event.began)} and lasted {length(event.lasted_s)}."
    elif event.kind == "unwatched":
        yield f"It began {clock(event.began)}. No run checks it any more, so its state is unknown."
    else:
        yield from _trouble(event)
        yield f"since: {clock(event.began)}, {length(event.lasted_s)}"
    if event.who:
        yield f"call: {', '.join(event.who)}{_within(event, chosen)}"
    if link:
        yield link


def _trouble(event: Event) -> Iterator[str]:
    details = event.details
    named = {name: details.get(name) for name in ("seen", "wanted", "because")}
    yield from (f"{name}: {clean(str(text))}" for name, text in named.items() if text)
    for number, step in enumerate(details.get("remedy") or (), 1):
        yield clean(f"remedy {number}: {step}")
    explains = details.get("explains") or []
    if explains:
        more = f" and {len(explains) - MOST_EXPLAINED} more" if len(explains) > MOST_EXPLAINED else ""
        yield clean(f"explains: {'; '.join(explains[:MOST_EXPLAINED])}{more}")


def _within(event: Event, chosen: Chosen | None) -> str:
    level = chosen.settings.escalation.get(event.severity) if chosen else None  # type: ignore[call-overload]
    due = level.within_min if level and event.kind == "alert" else None
    return f", within {due:g} min" if due else ""


def clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def length(seconds: float) -> str:
    """A duration for people: 4 min, 3 h 20 min, 2 d 4 h; never below 0, even if the clock went back."""
    minutes = max(0, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
