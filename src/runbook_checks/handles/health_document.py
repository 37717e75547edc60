"""Read the state of a service and of its components from a health response.

It reads the conventions of Spring Boot, MicroProfile, ASP.NET, NestJS and IETF health+json
(draft-inadarei-api-health-check), booleans, and plain text. A state that it cannot understand is neither up nor down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.expected_response import MISSING, at
from runbook_checks.probes.core.reading import one_line

if TYPE_CHECKING:
    from runbook_checks.config.capabilities.http import Health
    from runbook_checks.probes.http.response import Answer

MAX_WORD = 80
MAX_DEPTH = 12
STATE_FIELDS = ("status", "state", "health")
# Fields that say by true or false whether something works.
CLAIMS = ("ok", "healthy", "isHealthy", "is_healthy", "alive", "live", "ready", "up", "available", "success")
CONTAINERS = ("components", "checks", "dependencies", "services")
NAMES = ("name", "componentName")
# Fields whose false is good news, or none at all.
MODES = re.compile(
    r"(?:is_?)?(?:debug|dev\w*|test\w*|dry_?run|maintenance\w*|read_?only|degraded|draining|restart\w*|errors?|fail\w*|"
    r"down|deprecated|beta|feature\w*|enabled?|disabled?|cached?|auth\w*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class State:
    """The content of a health response. `is_up` is None if the word is not known."""

    word: str | None = None  # None without the field
    is_up: bool | None = None
    down: dict[str, str] = field(default_factory=dict)  # component: its word
    unclear: dict[str, str] = field(default_factory=dict)  # what may be a component that is down
    claim: str | None = None  # a field that says by true or false whether the service works


def read(answer: Answer, health: Health) -> State:
    """The state in a response; NotJson if it is not in http.health.format."""
    words = _Words(health)
    if health.format == "text":
        text = one_line(answer.text, MAX_WORD)
        return State(text, words.judge(text)) if text else State()
    document = answer.json()
    value = at(document, health.status_field)
    reader = _Reader(health, words)
    reader.read(document)
    word = _word(value)
    claim = next((name for name in CLAIMS if isinstance(at(document, name), bool)), None)
    return State(word, None if word is None else words.judge(value), reader.down, reader.unclear, claim)


def is_plain_word(answer: Answer, health: Health) -> bool:
    """Whether the body is one of the words for healthy, as plain text."""
    return _Words(health).judge(answer.text.strip()) is True


class _Words:
    def __init__(self, health: Health) -> None:
        self._up, self._down, self._neutral = (
            {word.casefold() for word in words} for words in (health.healthy, health.unhealthy, health.neutral)
        )

    def judge(self, value: Any) -> bool | None:
        """Whether a state is up; None where its word is not known."""
        if isinstance(value, bool):
            return value
        word = str(value).casefold()
        return True if word in self._up else False if word in self._down else None

    def is_neutral(self, value: Any) -> bool:
        return str(value).casefold() in self._neutral


class _Reader:
    """Collects the components that are down, wherever a document has them."""

    def __init__(self, health: Health, words: _Words) -> None:
        self._health, self._words = health, words
        self.down: dict[str, str] = {}
        self.unclear: dict[str, str] = {}

    def read(self, document: Any) -> None:
        """Every field of the document except its own state."""
        own, _, rest = self._health.status_field.partition(".")
        listed = self._health.components_field
        named = at(document, listed)
        if named is not MISSING:
            self._listed(named, "", is_configured=True)
        for name, value in document.items() if isinstance(document, dict) else ():
            if name in self._health.ignore or name == listed or (name == own and not rest):
                continue
            if name in CONTAINERS:
                self._listed(value, "", is_configured=False)
            elif isinstance(value, (dict, list)):
                self._within(value, name, 0)
            elif value is False and name in CLAIMS:
                self.down[name] = "false"
            elif (value is False and not MODES.fullmatch(name)) or self._is_down_word(value):
                self.unclear[name] = str(_word(value))

    def _is_down_word(self, value: Any) -> bool:
        return isinstance(value, str) and self._words.judge(value) is False

    def _listed(self, components: Any, above: str, *, is_configured: bool) -> None:
        """The entries of a container of components; an unknown word matters in the configured one only."""
        for name, value in _named(components):
            place = f"{above}{name}"
            if place in self._health.ignore or (isinstance(value, int | float) and not isinstance(value, bool)):
                continue  # a number is a reading, and no state
            state = self._state(value, *CLAIMS)
            word, is_up = _word(state), self._words.judge(state)
            if word is None or is_up:
                self._within(value, place, 0)
            elif is_up is False:
                self.down[place] = word
            elif is_configured and not self._words.is_neutral(state):
                self.unclear[place] = word

    def _state(self, value: Any, *claims: str) -> Any:
        """What a component says of itself: a word, true or false, or an object with one of them."""
        if not isinstance(value, dict):
            return value
        for name in (self._health.status_field, *STATE_FIELDS, *claims):
            state = at(value, name)
            if _word(state) is not None:
                return state
        return None

    def _within(self, value: Any, place: str, depth: int) -> None:
        """Objects with a state of their own, at any depth."""
        if depth > MAX_DEPTH or place in self._health.ignore:
            return
        for name, inner in _named(value) if isinstance(value, (dict, list)) else ():
            if not isinstance(inner, (dict, list)):
                continue
            lower = place if isinstance(value, list) and name == "" else f"{place}.{name}"
            state = self._state(inner)
            if _word(state) is not None and self._words.judge(state) is False:
                self.down[lower] = str(_word(state))
            else:
                self._within(inner, lower, depth + 1)


def _named(components: Any) -> Iterator[tuple[str, Any]]:
    """The entries of an object by their names, those of a list by the name that each carries."""
    if isinstance(components, dict):
        yield from ((str(name), value) for name, value in components.items())
    elif isinstance(components, list):
        for value in filter(lambda one: isinstance(one, dict), components):
            named = (value.get(name) for name in NAMES)
            yield next((str(name) for name in named if isinstance(name, (str, int))), ""), value


def _word(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None
