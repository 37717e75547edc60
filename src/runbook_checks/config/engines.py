"""Choose the steps of a remedy that fit a system's database engine.

A step of a remedy is a text, or a mapping of an engine's capability to its text:

    remedy:
      - {postgres: "Run `pg_isready`.", mysql: "Run `mysqladmin ping`."}

An engine that a mapping leaves out has no such step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runbook_checks.config.strict_yaml import Node

ENGINES = {"postgres": "PostgreSQL", "mysql": "MySQL"}


def engine_of(given: Collection[str]) -> str | None:
    """The engine that a system's database checks read: the same preference as handles.database.Database."""
    return next((engine for engine in ENGINES if engine in given), None)


def for_engine(text: Node, engine: str | None) -> Node:
    """A symptom's text for one engine; without an engine, each step is there for all, preceded by the engine's name."""
    causes = text.get("causes")
    if causes is None or not isinstance(causes.value, dict):
        return text
    chosen = {name: _cause(cause, engine) for name, cause in causes.items()}
    return replace(text, value={**text.value, "causes": replace(causes, value=chosen)})


def _cause(cause: Node, engine: str | None) -> Node:
    remedy = cause.get("remedy")
    if remedy is None or not isinstance(remedy.value, list):
        return cause
    steps = [chosen for step in remedy.value for chosen in _steps(step, engine)]
    return replace(cause, value={**cause.value, "remedy": replace(remedy, value=steps)})


def _steps(step: Node, engine: str | None) -> Iterator[Node]:
    if not is_by_engine(step):
        yield step
    elif engine is None:
        yield from (replace(text, value=f"{ENGINES[name]}: {text.value}") for name, text in step.items())
    elif (text := step.get(engine)) is not None:
        yield text


def is_by_engine(step: Node) -> bool:
    """Whether a step is a mapping of engines to texts; any other mapping is a mistake of the file."""
    return bool(step.value) and isinstance(step.value, dict) and step.value.keys() <= ENGINES.keys()
