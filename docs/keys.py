"""Generate the tables of keys in docs/configuration.md from the models that read the files."""

from __future__ import annotations

import types
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from runbook_checks.config.acknowledgements import Known
from runbook_checks.config.environment import Environment
from runbook_checks.config.runbook import CAPABILITIES, Checklist, Escalation, Symptom, System
from runbook_checks.config.secrets import Secret, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = "| key | type | default | meaning |\n|---|---|---|---|"
_OTHER_TABLES = {"checklists": Checklist, "escalation": Escalation, "symptoms": Symptom}
_SIMPLE = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}
_WORDS = {Secret: "secret, by reference", Text: "text or reference"}


def tables() -> str:
    """Return the tables: the top level of an environment file, a system, each capability, and the other models."""
    several = [
        _table("Top level of an environment file", Environment),
        _table("A system", System, leave_out=(*CAPABILITIES, *_OTHER_TABLES)),
        *(_table(f"`{name}`: {_first_sentence(model)}", model) for name, model in _capabilities()),
        _table("`symptoms.SYMPTOM`: a system's own text for a symptom", Symptom).replace(
            "**required**", "the shared text"
        ),
        _table("`checklists.NAME`: a checklist", Checklist),
        _table("A file of known issues, `known/NAME.yaml`", Known),
        _table("`escalation.P0` to `escalation.P3`: whom to call", Escalation),
    ]
    return "\n\n".join(several)


def _capabilities() -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(System)
    for name in CAPABILITIES:
        yield name, _without_none(hints[name])


def _table(title: str, model: Any, leave_out: tuple[str, ...] = ()) -> str:
    rows = [row for row in _rows(model, "") if row[0].split(".")[0] not in leave_out]
    return f"### {title}\n\n{HEAD}\n" + "\n".join(f"| `{key}` | {' | '.join(cells)} |" for key, *cells in rows)


def _rows(model: Any, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    hints, meanings = get_type_hints(model), _descriptions(model)
    for field in fields(model):
        hint, key = _without_none(hints[field.name]), f"{prefix}{field.name}"
        inner, mark = (get_args(hint)[0], "[].") if get_origin(hint) is list else (hint, ".")
        if get_origin(hint) is dict and is_dataclass(get_args(hint)[1]) and get_args(hint)[1] is not Text:
            inner, mark = get_args(hint)[1], ".NAME."
        if is_dataclass(inner) and inner not in _WORDS:
            yield key, _kind(hint), _default(field, is_section=True), meanings[field.name]
            yield from _rows(inner, key + mark)
        else:
            yield key, _kind(hint), _default(field), meanings[field.name]


def _descriptions(model: Any) -> dict[str, str]:
    """Return the attribute docstrings, which pydantic reads from the source."""
    schema = TypeAdapter(model).json_schema()
    own = {name: value.get("description") for name, value in schema["properties"].items()}
    hints = get_type_hints(model)
    texts = {name: text or _first_sentence(_without_none(hints[name])) for name, text in own.items()}
    return {name: text.replace("\n", " ").replace("|", "\\|") for name, text in texts.items()}


def _first_sentence(model: Any) -> str:
    text = (model.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(text.split()).rstrip(".")


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return next(option for option in get_args(hint) if option is not type(None))
    return hint


def _kind(hint: Any) -> str:
    hint = _without_none(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is list:
        return f"list of {_plural(inner[0])}"
    if origin is dict:
        return f"mapping to {_kind(inner[1])}" if inner[1] is not Any else "mapping"
    return _WORDS.get(hint) or _SIMPLE.get(hint, "mapping")


def _plural(hint: Any) -> str:
    return "mappings" if is_dataclass(hint) else "texts" if hint is str else _kind(hint)


def _default(field: Field[Any], *, is_section: bool = False) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return "**required**"
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    if value is None or value in ("", [], {}) or is_section:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return ", ".join(f"`{entry}`" for entry in value) if isinstance(value, list) else f"`{value}`"
