"""Validate a section with pydantic, and say in one sentence what is wrong, where, and what to do.

Pydantic skips the rules of a mapping in which a key is wrong. So a wrong value is removed, or a stand-in put in its
place, and the rest validated again: all mistakes are reported together.
"""

from __future__ import annotations

import json
import re
import types
from copy import copy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from runbook_checks.config.secrets import Reference
from runbook_checks.config.strict_yaml import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runbook_checks.config.strict_yaml import Node

Location = tuple[str | int, ...]
ROUNDS = 8
_SENTENCES = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "dataclass_type": "must be a mapping of keys to values",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
}
_OUT_OF_RANGE = {"greater_than": "must be above 0", "greater_than_equal": "must not be below 0"}


@dataclass(frozen=True)
class Mistake:
    """One mistake: at which keys below the section, in which file and line, and the sentence."""

    location: Location
    file: str
    line: int
    text: str


def validated(
    model: Any, node: Node, *, is_whole: bool = True, also_known: Iterable[str] = ()
) -> tuple[Any, list[Mistake]]:
    """What a section says as a `model`, and its mistakes; where it isn't whole, nothing is missing.

    With mistakes the model has stand-ins in it, or is None: good for nothing but looking for more.
    """
    return _Section(model, node, is_whole, tuple(also_known)).validated()


class _Section:
    def __init__(self, model: Any, node: Node, is_whole: bool, also_known: tuple[str, ...]) -> None:
        self.model, self.node, self.is_whole, self.also_known = model, node, is_whole, also_known
        self.plain = node.plain()
        self.mistakes: dict[Mistake, None] = {}
        self.mended: set[Location] = set()
        self.meant: set[Location] = set()

    def validated(self) -> tuple[Any, list[Mistake]]:
        value, adapter = None, _adapter(self.model)
        for number in range(ROUNDS):
            try:
                # As JSON, for that is where pydantic's strictness means that `yes` is no truth and "5" no number.
                value = adapter.validate_json(json.dumps(self.plain), strict=True)
                break
            except ValidationError as error:
                details = error.errors(include_url=False, include_input=False)
            for detail in details:
                self._note(detail, is_first=number == 0)
        missing = {m: (*m.location, m.text.split("'")[1]) for m in self.mistakes if m.text.endswith(" is missing")}
        return value, [m for m in self.mistakes if missing.get(m) not in self.meant]

    def _note(self, detail: Any, *, is_first: bool) -> None:
        kind, location = detail["type"], tuple(detail["loc"])
        if kind in ("missing", "missing_argument"):
            if self.is_whole and not self._is_there(location):
                self._add(location[:-1], location, f"'{location[-1]}' is missing")
            self._mend(location, stand_in(_hint_at(self.model, location)))
        elif kind in ("unexpected_keyword_argument", "extra_forbidden"):
            hint = self._meant(location)
            self._add(location[:-1], location, f"unknown key {_key(location[-1])}{hint}")
            self._drop(location)
        elif location[-1:] == ("[key]",):
            what = f"unknown key {_key(location[-2])}; it must be {detail['ctx']['expected']}"
            self._add(location[:-2], location[:-1], what)
            self._drop(location[:-1])
        elif kind == "value_error":
            self._note_rule(location, str(detail["ctx"]["error"]), is_first=is_first)
        else:
            self._add(location, location, self._wrong_kind(detail, location))
            self._drop(location)

    def _note_rule(self, location: Location, text: str, *, is_first: bool) -> None:
        """A rule of the model's own; one that begins with a quoted key is about that key."""
        key = re.match(r"'(\w+)' ", text)
        inner = (*location, key[1]) if key else location
        if key and self._is_there(inner):
            self._add(inner, inner, text[key.end() :])
            self._drop(location if _is_reference(_hint_at(self.model, location)) else inner)
        elif is_first or not any(mended[: len(location)] == location for mended in self.mended):
            self._add(location, location, text)
            self._drop(location)

    def _wrong_kind(self, detail: Any, location: Location) -> str:
        value = self.node.at(location).value
        if detail["type"] in _OUT_OF_RANGE:
            return _OUT_OF_RANGE[detail["type"]]
        if detail["type"] == "literal_error":
            expected = detail["ctx"]["expected"]
            is_word = isinstance(value, str) and re.fullmatch(r"[\w-]{1,16}", value)
            given = f"'{value}'" if is_word else _kind(value)
            hint = suggestion(value, re.findall("'([^']*)'", expected))
            return f"must be {expected}, not {given}{hint}"
        what = _SENTENCES.get(detail["type"], "must be something else")
        return f"has no value; it {what}" if value is None else f"{what}, not {_kind(value)}"

    def _meant(self, location: Location) -> str:
        """Which key an unknown one may stand for: one a level deeper, or one spelled alike."""
        *above, name = location
        known = _fields_at(self.model, above)
        deeper = [f"{key}.{name}" for key in known if name in _fields_at(self.model, (*above, key))]
        if len(deeper) == 1:
            return f"; did you mean '{deeper[0]}'?"
        hint = suggestion(name, [*known, *(() if above else self.also_known)])
        if hint:
            self.meant.add((*above, hint.split("'")[1]))
        return hint or "; docs/configuration.md lists the keys there are"

    def _add(self, location: Location, place: Location, text: str) -> None:
        node = self.node.at(place)
        self.mistakes[Mistake(location, node.file, node.line, text)] = None

    def _is_there(self, location: Location) -> bool:
        return bool(location) and isinstance(location[-1], str) and bool(self.node.at(location[:-1]).get(location[-1]))

    def _drop(self, location: Location) -> None:
        if not location or isinstance(location[-1], int):
            self._mend(location, stand_in(_hint_at(self.model, location)))
            return
        if location[-1] in _fields_at(self.model, location[:-1]):
            self.mended.add(location)
        holder = self._holder(location)
        if isinstance(holder, dict):
            holder.pop(location[-1], None)

    def _mend(self, location: Location, value: Any) -> None:
        self.mended.add(location)
        if not location:
            self.plain = value
            return
        holder = self._holder(location)
        if isinstance(holder, dict | list):
            holder[location[-1]] = value  # type: ignore[index]

    def _holder(self, location: Location) -> Any:
        holder = self.plain
        for step in location[:-1]:
            try:
                holder = holder[step]
            except (TypeError, KeyError, IndexError):  # dropped before
                return None
        return holder


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _key(name: str | int) -> str:
    """A key as a sentence quotes it; what can't be meant for one may be a line of another file, or a secret."""
    return f"'{name}'" if re.fullmatch(r"[A-Za-z][\w.-]{0,63}", str(name)) else "that is no name"


def _kind(value: Any) -> str:
    """What a wrong value is; text is not shown, for it might be a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    kinds: dict[Any, str] = {dict: "a mapping", list: "a list", str: "text"}
    return kinds.get(type(value)) or str(value)


def stand_in(hint: Any) -> Any:
    """Some value of a type, as a file would give it."""
    hint = _without_none(hint)
    if _is_reference(hint):
        return {"env": "STAND_IN"}
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        needed = [f.name for f in fields(hint) if f.default is MISSING and f.default_factory is MISSING]
        return {name: stand_in(hints[name]) for name in needed}
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    simple: dict[Any, Any] = {str: "text", bool: False, int: 1, float: 1, list: [], dict: {}}
    kind = get_origin(hint) or hint
    return copy(simple[kind]) if kind in simple else None


def _is_reference(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Reference)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return next(option for option in get_args(hint) if option is not type(None))
    return hint


def _hint_at(model: Any, location: Iterable[str | int]) -> Any:
    """The type of what stands at a location inside a model; Any where none does."""
    hint = model
    for step in location:
        hint = _without_none(hint)
        inner = get_type_hints(hint) if is_dataclass(hint) else {}
        hint = inner.get(str(step), Any) if inner else (get_args(hint) or (Any,))[-1]
    return _without_none(hint)


def _fields_at(model: Any, location: Iterable[str | int]) -> list[str]:
    """The keys that a location inside a model has."""
    hint = _hint_at(model, location)
    return [f.name for f in fields(hint)] if is_dataclass(hint) else []
