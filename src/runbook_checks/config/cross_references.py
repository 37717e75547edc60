"""Check that the names in the files exist: systems, symptoms, causes, items of checklists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runbook_checks.config.addresses import quoted
from runbook_checks.config.remedy_commands import mistakes
from runbook_checks.config.runbook import SEVERITIES, WHENS
from runbook_checks.config.strict_yaml import Node, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.config.mistakes import Location
    from runbook_checks.config.runbook import Checklist

Named = tuple[Node, "Location", str]  # what leads nowhere, where below the section, and the sentence
# Markers of pytest and of the suite, and the words of -m expressions.
_TAKEN = {"refused", "write", "skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings"}
_TAKEN |= {"and", "or", "not", "quick", *WHENS, *(severity.lower() for severity in SEVERITIES)}


def is_foreign(document: Node, keys: Iterable[str]) -> bool:
    """A file of something else: none of its keys is one of these, or nearly. Nothing of it may be quoted."""
    known = list(keys)
    names = [name for name, _ in document.items()]
    return bool(names) and not any(name in known or suggestion(name, known) for name in names)


def wrong_name(name: str, symptoms: Iterable[str]) -> str | None:
    """Why a system can't be called that: its name is a marker of pytest as well."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        return "a system's name is lower-case words joined by hyphens"
    areas = {symptom.split(".")[0] for symptom in symptoms}
    return f"a system can't be called '{name}': -m {name} means something else" if name in areas | _TAKEN else None


def wrong_area(symptom: str, systems: Iterable[str]) -> str | None:
    """Why a symptom of a team's own can't be called that: its area is a marker that means something else."""
    area = symptom.partition(".")[0]
    taken = _TAKEN | {name.replace("-", "_") for name in systems}
    return f"an area can't be called '{area}': -m {area} means something else" if area in taken else None


def unknown_causes(words: Node, text: Node) -> Iterator[Named]:
    """What a system says of causes that a symptom's check doesn't tell apart."""
    known = [cause for cause, _ in text.under("causes")]
    for cause, node in words.under("causes"):
        if cause not in known:
            yield node, ("causes",), f"unknown cause {quoted(cause)}{suggestion(cause, known)}"


def unfillable(words: Node) -> Iterator[Named]:
    """Sentences of a symptom's causes whose placeholders can't be filled in safely."""
    for cause, text in words.under("causes"):
        because = text.get("because")
        sentences: list[tuple[Location, Node]] = [(("because",), because)] if because else []
        for number, step in enumerate(text.entries("remedy")):
            sentences += [(("remedy", number, engine), one) for engine, one in step.items()]
            sentences += [(("remedy", number), step)]
        for place, node in sentences:
            for mistake in mistakes(node.value) if isinstance(node.value, str) else ():
                yield node, ("causes", cause, *place), mistake


def unknown_in_checklists(system: Node, symptoms: list[str]) -> Iterator[Named]:
    """Items' symptoms that aren't the system's own. (Looked up as written: other mistakes hide none here.)"""
    for name, checklist in system.under("checklists"):
        for number, item in enumerate(checklist.entries("items")):
            for position, node in enumerate(item.entries("symptoms")):
                if isinstance(node.value, str) and node.value not in symptoms:
                    what = f"symptom {quoted(node.value)} is not among the system's symptoms"
                    location = ("checklists", name, "items", number, "symptoms", position)
                    yield node, location, what + suggestion(node.value, symptoms)


def unknown_attested(document: Node, checklists: Iterable[Checklist]) -> Iterator[Named]:
    """Items vouched for that are on no checklist, or are answered by checks there."""
    items = {_words(item.item): item.item for checklist in checklists for item in checklist.items if item.attested}
    for number, node in enumerate(document.entries("attested")):
        if _words(node.value) not in items:
            hint = suggestion(node.value, items.values())
            yield node, ("attested", number), f"no checklist has an attested item {quoted(node.value)}{hint}"


def _words(item: str) -> str:
    return " ".join(item.split()).casefold()
