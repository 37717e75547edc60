"""Generate JSON Schemas for editors from the models that read the files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from runbook_checks.config.acknowledgements import Known
from runbook_checks.config.engines import ENGINES
from runbook_checks.config.environment import NAME as ENVIRONMENT_NAME
from runbook_checks.config.environment import Environment
from runbook_checks.config.runbook import CAPABILITIES, Explanations, Symptom, System
from runbook_checks.config.secrets import Secret, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME = "^[a-z0-9]+(-[a-z0-9]+)*$"
_REFERENCES = {"Secret": TypeAdapter(Secret).json_schema(), "Text": TypeAdapter(Text).json_schema()}
_FORMS = _REFERENCES["Secret"]["anyOf"]
_STEP = {
    "anyOf": [
        {"type": "string"},
        {
            "description": "The step for each database engine.",
            "type": "object",
            "properties": {engine: {"type": "string"} for engine in ENGINES},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}


def environment_schema(symptoms: Iterable[str]) -> Schema:
    """Return the schema of an environment file; no key of a system is required, as its runbook file may have it."""
    header, systems = _made(Environment), _made(System, symptoms, is_part=True, keeps_defaults=False)
    system = {"anyOf": [systems.pop("own"), {"type": "null"}]}
    header["own"]["properties"]["systems"] = {
        "description": "The systems, by name; the runbook file of that name supplies the keys that are left out here.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": system,
    }
    header["own"]["required"].append("systems")
    header["own"]["properties"]["name"]["pattern"] = f"^{ENVIRONMENT_NAME}$"
    return _whole("An environment file: where systems run, and what a run may do to them.", header | systems)


def runbook_schema(symptoms: Iterable[str]) -> Schema:
    """Return the schema of a runbook file; addresses and secrets come from an environment file."""
    return _whole(
        "A runbook file: what to expect of a system in every environment.", _made(System, symptoms, is_part=True)
    )


def symptoms_schema() -> Schema:
    """Return the schema of a file of symptoms' texts."""
    made = _made(Symptom)
    text = made.pop("own")
    own = {"type": "object", "propertyNames": {"pattern": r"^[a-z]+\.[a-z0-9-]+$"}, "additionalProperties": text}
    return _whole("The texts of symptoms for all systems: titles, causes and remedies.", {**made, "own": own})


def known_schema() -> Schema:
    """Return the schema of a file of known issues."""
    return _whole("Known issues: acknowledged symptoms and maintenance windows.", _made(Known))


def explanations_schema() -> Schema:
    """Return the schema of the file of explanations."""
    made = _made(Explanations)
    edge = made["Edge"]
    edge["properties"] = {name.removesuffix("_"): value for name, value in edge["properties"].items()}
    edge["required"] = [name.removesuffix("_") for name in edge["required"]]
    return _whole("Which symptoms explain which, when both are found on the same system.", made)


def as_text(schema: Schema) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _whole(description: str, made: Schema) -> Schema:
    own = made.pop("own")
    definitions = {name: made[name] for name in sorted(_used(own, made))}
    return {"$schema": DIALECT, **own, "description": description, "$defs": definitions}


def _used(schema: Any, definitions: Schema) -> set[str]:
    """Return the names of the definitions that a schema refers to, directly or not."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            waiting += [] if name in found else [definitions[name]]
            found.add(name)
        waiting += list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    return found


def _made(
    model: Any, symptoms: Iterable[str] = (), *, is_part: bool = False, keeps_defaults: bool = True
) -> dict[str, Schema]:
    """Return a model's schema as `own`, and its definitions by name. With `is_part` no key is required."""
    schema = TypeAdapter(model).json_schema()
    definitions: dict[str, Schema] = schema.pop("$defs", {})
    if model is System:
        _open_symptoms(schema, definitions, list(symptoms))
    if "Cause" in definitions:
        definitions["Cause"]["properties"]["remedy"]["items"] = _STEP
    made = _REFERENCES | {name: _tidied(value, keeps_defaults) for name, value in definitions.items()}
    own = _tidied(schema, keeps_defaults)
    for name in CAPABILITIES:
        if name in own["properties"]:
            own["properties"][name]["description"] = _description_of(own["properties"][name], made)
    if is_part:
        made |= {f"{name}Part": _part(value, made, can_take_away=not keeps_defaults) for name, value in made.items()}
        own = _part(own, made, can_take_away=not keeps_defaults)
    return {**made, "own": own}


def _open_symptoms(system: Schema, definitions: dict[str, Schema], symptoms: list[str]) -> None:
    """Restrict `symptoms` to the known ones, each with an optional text."""
    text = TypeAdapter(Symptom).json_schema()
    definitions |= {"Symptom": {k: v for k, v in text.items() if k != "$defs"}, **text["$defs"]}
    listed = system["properties"]["symptoms"]
    listed["propertyNames"] = {"enum": symptoms}
    listed["additionalProperties"] = {"anyOf": [{"$ref": "#/$defs/Symptom"}, {"type": "null"}]}
    definitions["Item"]["properties"]["symptoms"]["items"] = {"enum": symptoms}


def _description_of(schema: Schema, definitions: dict[str, Schema]) -> str:
    name = schema["anyOf"][0]["$ref"].rpartition("/")[2]
    return str(definitions[name]["description"])


def _tidied(schema: Any, keeps_defaults: bool) -> Any:
    """Return a schema without the titles that pydantic adds, and with named references."""
    if isinstance(schema, list):
        return [_tidied(entry, keeps_defaults) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {"title", *(() if keeps_defaults else ("default",))}
    # A key named `title` has a schema as its value, not a text.
    kept = {name: value for name, value in schema.items() if name not in dropped or isinstance(value, dict)}
    return _by_name({name: _tidied(value, keeps_defaults) for name, value in kept.items()})


def _by_name(schema: Schema) -> Schema:
    options = schema.get("anyOf", [])
    if not all(form in options for form in _FORMS):
        return schema
    name = "Text" if _REFERENCES["Text"]["anyOf"][0] in options else "Secret"
    others = [option for option in options if option not in _REFERENCES[name]["anyOf"]]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    reference = {"$ref": f"#/$defs/{name}"}
    return {**rest, "anyOf": [reference, *others]} if others else {**rest, **reference}


def _part(schema: Schema, definitions: dict[str, Schema], *, can_take_away: bool) -> Schema:
    """Return a schema in which no key is required, also in nested mappings. Lists keep their required keys."""
    part = dict(schema)
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return {**part, "$ref": f"#/$defs/{name}Part"} if "properties" in definitions[name] else part

    def inner(value: Schema) -> Schema:
        return _part(value, definitions, can_take_away=can_take_away)

    if "properties" in part:
        part.pop("required", None)
        part["properties"] = {name: inner(value) for name, value in part["properties"].items()}
        if can_take_away:
            part["properties"] = {name: _or_nothing(value) for name, value in part["properties"].items()}
    if "anyOf" in part:
        part["anyOf"] = [inner(option) for option in part["anyOf"]]
    if isinstance(part.get("additionalProperties"), dict):
        values = inner(part["additionalProperties"])
        part["additionalProperties"] = _or_nothing(values) if can_take_away else values
    return part


def _or_nothing(schema: Schema) -> Schema:
    """Return a schema that also accepts null: a key without a value removes the runbook file's."""
    if {"type": "null"} in schema.get("anyOf", []):
        return schema
    kept = {name: schema[name] for name in ("description",) if name in schema}
    rest = {name: value for name, value in schema.items() if name not in kept}
    return {**kept, "anyOf": [*(rest["anyOf"] if [*rest] == ["anyOf"] else [rest]), {"type": "null"}]}
