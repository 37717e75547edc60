"""Which rules do all capabilities follow?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runbook_checks.config.addresses import quoted

STRICT: dict[str, Any] = {"extra": "forbid", "hide_input_in_errors": True, "use_attribute_docstrings": True}


def positive(**values: float | None) -> None:
    """Refuse numbers that must be above zero and aren't."""
    for name, value in values.items():
        if value is not None and not value > 0:
            raise ValueError(f"'{name}' must be above 0")


def patterns(**groups: Mapping[str, Iterable[str]]) -> None:
    """Refuse what is no regular expression."""
    import re

    for name, group in groups.items():
        for pattern in (pattern for several in group.values() for pattern in several):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{name}' holds no regular expression: {_told(pattern, error)}") from None


def _told(pattern: str, error: Exception) -> str:
    """Which expression is wrong, and why; Python's words may quote of it."""
    return f"{pattern!r}: {error}" if pattern in quoted(pattern) else quoted(pattern)


def program(command: Sequence[str] | None) -> None:
    """Refuse a command that begins with what may hold a password: its first word is shown."""
    from runbook_checks.config.secrets import may_be_address

    if command and may_be_address(command[0]):
        raise ValueError("'command' must begin with a program, not an address or a password")
