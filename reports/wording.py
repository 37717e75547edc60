"""How is a runbook's sentence filled with what was found? Values are cleaned, and quoted inside `commands`."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
MOST = 200  # characters of a value that a sentence shows


def clean(text: str) -> str:
    """Text from a far end made fit for a terminal: no escape sequences, no line breaks, no direction marks."""
    return _CONTROL.sub(" ", text).strip()


def shown(value: Any) -> str:
    """A value as a person would write it in a sentence."""
    if isinstance(value, list | tuple):
        return ", ".join(shown(entry) for entry in value)
    if isinstance(value, float):
        return f"{value:g}"
    return clean(str(value))


def filled(sentence: str, values: Mapping[str, Any]) -> str:
    """The sentence with its {placeholders} filled; one without a value stays visible as <name>.

    Inside backticks a value becomes one shell word, whatever it holds: remedies are pasted into shells.
    """
    parts = re.split(r"(`[^`]*`)", sentence)
    return "".join(_filled(part, values, is_command=part.startswith("`")) for part in parts)


def _filled(part: str, values: Mapping[str, Any], *, is_command: bool) -> str:
    def value(match: re.Match[str]) -> str:
        known = values.get(match[1])
        if known is None:
            return f"<{match[1]}>"
        text = shown(known)
        if is_command:
            return shlex.quote(text)
        return text if len(text) <= MOST else text[: MOST - 1] + "…"

    return _PLACEHOLDER.sub(value, part)
