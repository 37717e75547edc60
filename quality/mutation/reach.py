"""Find the lines that must be run for a change to have an effect."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from quality.mutation.start.begin import FOLDERS
from tests.harness import PROJECT

if TYPE_CHECKING:
    from quality.mutation.mutants import Mutant

Lines = dict[str, set[int]]
"""By file."""


def is_reached(mutant: Mutant, run: Lines) -> bool:
    if not mutant.names:
        first, last = mutant.lines
        return any(first <= line <= last for line in run.get(mutant.path, ()))
    return any(line in run.get(path, ()) for name in mutant.names for path, line in _uses(name))


def can_reach(mutant: Mutant, check: str) -> bool:
    """Whether a check's function uses the changed place in a module of checks."""
    path, _, function = check.partition("[")[0].partition("::")
    if not mutant.path.startswith("checks/"):
        return True
    return path == mutant.path and bool({mutant.where.partition(".")[0], *mutant.names} & _led_to(path, function))


@cache
def _led_to(path: str, function: str) -> frozenset[str]:
    """Return the names of the module that a function uses, directly or indirectly."""
    tree = ast.parse((PROJECT / path).read_text())
    made = {name: {used for used, _ in _used(node)} for node in tree.body for name in _made(node)}
    found, waiting = set[str](), [function]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += made.get(name, set())
    return frozenset(found)


def _made(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    parts = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
    return {part.id for part in parts if isinstance(part.ctx, ast.Store)}


@cache
def _uses(name: str) -> frozenset[tuple[str, int]]:
    """Return the lines of functions that use a name, or a constant made from it."""
    inside, outside = _names()
    found, waiting, seen = set[tuple[str, int]](), [name], set[str]()
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            found |= inside.get(one, set())
            waiting += outside.get(one, set())
    return frozenset(found)


@cache
def _names() -> tuple[dict[str, set[tuple[str, int]]], dict[str, set[str]]]:
    """Return where functions use each name, and which names are made from each name outside functions."""
    inside: dict[str, set[tuple[str, int]]] = {}
    outside: dict[str, set[str]] = {}
    for folder in FOLDERS:
        for path in (PROJECT / folder).rglob("*.py"):
            _look_through(ast.parse(path.read_text()).body, path.relative_to(PROJECT).as_posix(), inside, outside)
    return inside, outside


def _look_through(
    body: list[ast.stmt], path: str, inside: dict[str, set[tuple[str, int]]], outside: dict[str, set[str]]
) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            _look_through(node.body, path, inside, outside)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for name, line in _used(node):
                inside.setdefault(name, set()).add((path, line))
        else:
            made = {
                part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            }
            for name, _ in _used(node):
                outside.setdefault(name, set()).update(made)


def _used(node: ast.AST) -> set[tuple[str, int]]:
    names = {(part.id, part.lineno) for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {(part.attr, part.lineno) for part in ast.walk(node) if isinstance(part, ast.Attribute)}
