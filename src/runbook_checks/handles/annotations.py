"""Recognise the handles that a check asks for: parameters annotated with a class of Handle, or a union of classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from inspect import unwrap
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args

from runbook_checks.handles.base import Handle

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from runbook_checks.config.runbook import Chosen
    from runbook_checks.handles.context import Context


@dataclass(frozen=True)
class Asked:
    """The handle of one parameter; of several classes, the first whose capabilities a system has."""

    classes: tuple[type[Handle], ...]

    def lacking(self, given: Collection[str]) -> list[str]:
        """The capabilities that are needed and not given; none where a handle can be made."""
        lacking = [one.lacking(given) for one in self.classes]
        if not all(lacking):
            return []
        return lacking[0] if len(lacking) == 1 else [" or ".join(map(", ".join, lacking))]

    def handle(self, context: Context, chosen: Chosen) -> Handle:
        """The handle for a system that has the capabilities."""
        fitting = next(one for one in self.classes if not one.lacking(chosen.given))
        return fitting(context, chosen)


def handles_of(check: Callable[..., Any]) -> dict[str, Asked]:
    """The handles that a check asks for, by parameter. Parameters with other annotations are left out."""
    check = unwrap(check)
    found = {name: _classes(annotation, check) for name, annotation in check.__annotations__.items()}
    return {name: Asked(classes) for name, classes in found.items() if classes and name != "return"}


def _classes(annotation: Any, check: Callable[..., Any]) -> tuple[type[Handle], ...]:
    """The handle classes of an annotation, which may be a string; empty for any other annotation."""
    parts = annotation.split("|") if isinstance(annotation, str) else [annotation]
    named = [_named(part.strip(), check) if isinstance(part, str) else part for part in parts]
    classes = [one for part in named for one in (get_args(part) if isinstance(part, UnionType) else [part])]
    is_handle = all(isinstance(one, type) and issubclass(one, Handle) for one in classes)
    return tuple(classes) if is_handle else ()


def _named(dotted: str, check: Callable[..., Any]) -> Any:
    """The value of a dotted name in the check's module."""
    first, *rest = dotted.split(".")
    return reduce(lambda found, name: getattr(found, name, None), rest, check.__globals__.get(first))
