"""Which rules do all capabilities follow?"""

from __future__ import annotations

from typing import Any

STRICT: dict[str, Any] = {"extra": "forbid", "hide_input_in_errors": True, "use_attribute_docstrings": True}


def positive(**values: float | None) -> None:
    """Refuse numbers that must be above zero and aren't."""
    for name, value in values.items():
        if value is not None and not value > 0:
            raise ValueError(f"'{name}' must be above 0")
