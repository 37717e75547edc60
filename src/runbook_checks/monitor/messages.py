"""The text of a message: symptom, cause, evidence, remedy and what it explains, enough to act on from a phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.config.runbook import Chosen
    from runbook_checks.monitor.incidents import Word

MOST_EXPLAINED = 15
MOST_APART = 5  # of more subjects with the same symptom and cause, one message tells
MOST_SUBJECTS = 50
_HEADS = {
    "alert": "{0.severity} {0.key}",
    "graver": "{0.severity} {0.key}: graver",
    "reminder": "{0.severity} {0.key}: still there",
    "escalation": "{0.severity} {0.key}: escalated",
    "resolved": "resolved: {0.key}",
    "unwatched": "no longer looked at: {0.key}",
}


def together(words: Iterable[Word]) -> list[list[Word]]:
    """What is told in one message: a word alone, or many that differ in their subject only."""
    alike: dict[tuple[object, ...], list[Word]] = {}
    for word in words:
        kind = (word.kind, word.key.system, word.key.symptom, word.severity, word.details.get("cause"), word.note)
        alike.setdefault(kind, []).append(word)
    groups = [[several] if len(several) > MOST_APART else [[word] for word in several] for several in alike.values()]
    return [group for many in groups for group in many]


def title(words: list[Word], environment: str) -> str:
    word, cause = words[0], words[0].details.get("cause")
    tail = f" ({cause})" if cause and word.kind not in ("resolved", "unwatched") else ""
    if len(words) > 1:
        word = replace(word, key=replace(word.key, subject=f"{len(words)} subjects"))
    return clean(f"[{environment}] {_HEADS[word.kind].format(word)}{tail}")


def body(words: list[Word], systems: dict[str, Chosen], link: str) -> str:
    several = ""
    if len(words) > 1:
        subjects = [clean(word.key.subject) for word in words]
        more = f" and {len(subjects) - MOST_SUBJECTS} more" if len(subjects) > MOST_SUBJECTS else ""
        several = f"on: {', '.join(subjects[:MOST_SUBJECTS])}{more}\nThe first of them:\n"
    numbers = ", ".join(str(word.incident) for word in words)
    last = f"incident{'s' if len(words) > 1 else ''} {numbers}\n"
    return several + "\n".join(_lines(words[0], systems, link)) + f"\n{last}"


def _lines(word: Word, systems: dict[str, Chosen], link: str) -> Iterator[str]:
    chosen, details = systems.get(word.key.system), word.details
    text = chosen.symptoms.get(word.key.symptom) if chosen else None
    if text is not None:
        yield text.title + "."
    elif "resource" in details:
        yield f"{details['resource']} gives no answer: nobody knows about {', '.join(details['symptoms'])}."
    if word.note:
        yield clean(f"{word.note[0].upper()}{word.note[1:]}.")
    if word.kind == "resolved":
        yield f"It began {clock(word.began)}, and lasted {length(word.lasted_s)}."
    elif word.kind == "unwatched":
        yield f"It began {clock(word.began)}. No run looks at it any more: whether it is gone is not known."
    else:
        yield from _trouble(word)
        yield f"since: {clock(word.began)}, {length(word.lasted_s)}"
    if word.who:
        yield f"call: {', '.join(word.who)}{_within(word, chosen)}"
    if link:
        yield link


def _trouble(word: Word) -> Iterator[str]:
    details = word.details
    named = {name: details.get(name) for name in ("seen", "wanted", "because")}
    yield from (f"{name}: {clean(str(text))}" for name, text in named.items() if text)
    for number, step in enumerate(details.get("remedy") or (), 1):
        yield clean(f"remedy {number}: {step}")
    explains = details.get("explains") or []
    if explains:
        more = f" and {len(explains) - MOST_EXPLAINED} more" if len(explains) > MOST_EXPLAINED else ""
        yield clean(f"explains: {'; '.join(explains[:MOST_EXPLAINED])}{more}")


def _within(word: Word, chosen: Chosen | None) -> str:
    level = chosen.settings.escalation.get(word.severity) if chosen else None  # type: ignore[call-overload]
    due = level.within_min if level and word.kind == "alert" else None
    return f", within {due:g} min" if due else ""


def clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def length(seconds: float) -> str:
    """A time as people say it: 4 min, 3 h 20 min, 2 d 4 h. Clocks that went back make none below 0."""
    minutes = max(0, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
