"""Rules that the settings of all capabilities follow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, dataclass_transform

from runbook_checks.config.addresses import quoted
from runbook_checks.config.secrets import may_be_address

STRICT: dict[str, Any] = {"extra": "forbid", "hide_input_in_errors": True, "use_attribute_docstrings": True}
T = TypeVar("T")


class _Bound:
    """A bound of a number, for pydantic. Importing annotated_types' own would take 8 ms of every start."""

    def __init__(self, **bound: float) -> None:
        self.bound = bound

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return handler(source) | self.bound


PositiveInt = Annotated[int, _Bound(gt=0)]
PositiveFloat = Annotated[float, _Bound(gt=0)]
NonNegativeInt = Annotated[int, _Bound(ge=0)]
NonNegativeFloat = Annotated[float, _Bound(ge=0)]


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False, field_specifiers=(field,))
def settings(cls: type[T]) -> type[T]:
    """Make a class a dataclass of settings: keywords only, unknown keys refused, frozen for mypy.

    Settings are never compared or printed. The methods that dataclasses generates for that, and for being frozen at run
    time, cost 12 % of the start-up's instructions on Python 3.11: there are sixty such classes.
    """
    cls.__pydantic_config__ = STRICT  # type: ignore[attr-defined]
    return dataclass(kw_only=True, repr=False, eq=False)(cls)


def patterns(**groups: Mapping[str, Iterable[str]]) -> None:
    """Refuse invalid regular expressions."""
    for name, group in groups.items():
        for pattern in (pattern for several in group.values() for pattern in several):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{name}' is not a regular expression: {_quoted_reason(pattern, error)}") from None


def _quoted_reason(pattern: str, error: Exception) -> str:
    """The invalid expression and the reason, in which Python may quote parts of it."""
    return f"{pattern!r}: {error}" if pattern in quoted(pattern) else quoted(pattern)


def program(command: Sequence[str] | None) -> None:
    """Refuse a command whose first word may contain a password, because that word is shown."""
    if command and may_be_address(command[0]):
        raise ValueError("'command' must begin with a program, not an address or a password")
